"""Categories as the arms of a bandit, by how much is learned from each (SEC, arXiv 2505.14970).

What an arm gains is the mean |advantage| of its groups, which for right-or-wrong rewards is
2 sqrt(p (1 - p)): it prefers what is solved half the time.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.record.canonical import Json
from train.curricula.adaptive import Floats, fractions, known_rates, texts
from train.curricula.arms import ArmsOrder
from train.curricula.order import Outcome, Pool
from train.curricula.settings import BanditSettings


class BanditOrder(ArmsOrder):
    """P(c) = floor + (1 - K floor) softmax(Q / temperature)."""

    def __init__(self, pool: Pool, settings: BanditSettings, seed: int) -> None:
        self.categories, arms = np.unique(np.array(pool.categories), return_inverse=True)
        super().__init__(pool, arms.astype(np.int64), seed)
        self.settings = settings
        self.floor = min(settings.floor, 0.5 / len(self.categories))
        self.values = self._expected()
        """Q of each category."""

    def probabilities(self) -> Floats:
        """Of each category, in the order of `categories`."""
        scaled = self.values / self.settings.temperature
        soft = np.exp(scaled - scaled.max())
        chances: Floats = self.floor + (1 - len(soft) * self.floor) * soft / soft.sum()
        return chances

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        gains: dict[int, list[float]] = {}
        for outcome in outcomes:
            if np.isfinite(outcome.abs_advantage):
                gains.setdefault(int(self.arms[outcome.row]), []).append(outcome.abs_advantage)
        for arm, gained in gains.items():
            step = self.settings.rate * (float(np.mean(gained)) - self.values[arm])
            self.values[arm] += step

    def _expected(self) -> Floats:
        """What each category should gain by the frozen pass rates; SEC begins with 0 for all."""
        rates, _ = known_rates(self.pool)  # unknown: a half, and so the largest gain
        gains = 2 * np.sqrt(rates * (1 - rates))
        counts = np.bincount(self.arms)
        expected: Floats = np.bincount(self.arms, weights=gains) / counts
        return expected

    def _state(self) -> dict[str, Json]:
        return super()._state() | {"values": texts(self.values)}

    def _load(self, state: Mapping[str, Json]) -> None:
        super()._load(state)
        values = np.array(fractions(state["values"]))
        if len(values) != len(self.categories):
            raise ValueError(f"the state has {len(values)} arms, not {len(self.categories)}")
        self.values = values
