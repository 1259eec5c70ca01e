"""Rows by weight above a uniform floor, from evidence that is renewed in training and expires.

Evidence on a row is a number of tries and how many of them were right. It begins with the frozen
pass rate, taken for one group of answers; each observed group joins it, and what was there before
counts less. A row that was not observed for some batches falls back to the frozen rate: the policy
has moved on, and how the row stands is open again.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from pipelines.record.canonical import Json
from train.curricula.adaptive import (
    AdaptiveOrder,
    Floats,
    Ints,
    fractions,
    known_rates,
    texts,
    wholes,
)
from train.curricula.order import Outcome, Pool


class WeightedOrder(AdaptiveOrder):
    """P(i) = (1 - uniform) w_i / sum(w) + uniform / N, over the N rows of a lane.

    So every draw takes a row with at least uniform / N, and the chance that it is still unasked
    after X times N draws is at most exp(-uniform X).
    """

    def __init__(
        self, pool: Pool, seed: int, *, uniform: float, keep: float, expires: int, answers: int
    ) -> None:
        super().__init__(pool, seed)
        self.uniform, self.keep, self.expires, self.answers = uniform, keep, expires, answers
        rates, known = known_rates(pool)
        self._frozen_tries = np.where(known, float(answers), 0.0)
        self._frozen_right = rates * self._frozen_tries
        self._right, self._tries = self._frozen_right.copy(), self._frozen_tries.copy()
        self._observed = np.full(len(pool), -1, np.int64)
        """Batches that had been chosen when a row was last observed; -1: evidence is frozen."""
        self._times: deque[tuple[int, Ints]] = deque()
        self.weights = self._weigh(np.arange(len(pool)), self._right, self._tries)

    def probabilities(self, lane: int) -> Floats:
        """The probability of each row of a lane, as `rows_of_lane` has them, in one draw."""
        weights = self.weights[self.rows_of_lane[lane]]
        total, floor = weights.sum(), 1 / len(weights)
        if total <= 0:
            return np.full(len(weights), floor)
        found: Floats = (1 - self.uniform) * weights / total + self.uniform * floor
        return found

    @abstractmethod
    def _weigh(self, rows: Ints, right: Floats, tries: Floats) -> Floats:
        """Give the weight of each row, from its evidence."""

    def _choose(self, lane: int, count: int, taken: Collection[int]) -> list[int]:
        self._expire()
        rows = self.rows_of_lane[lane]
        # The smallest of exponential times at these rates: the same as drawing one after another,
        # each by its probability among those that are left.
        times = self.draw().standard_exponential(len(rows)) / self.probabilities(lane)
        times[np.searchsorted(rows, sorted(taken))] = np.inf
        first = np.argpartition(times, count - 1)[:count]
        found: list[int] = rows[first[np.argsort(times[first])]].tolist()
        return found

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        seen = [outcome for outcome in outcomes if outcome.accuracy is not None]
        for outcome in seen:
            row = outcome.row
            self._tries[row] = self.keep * self._tries[row] + self.answers
            right = self.answers * (outcome.accuracy or 0.0)
            self._right[row] = self.keep * self._right[row] + right
        rows = np.unique(np.array([outcome.row for outcome in seen], np.int64))
        self._observed[rows] = self.batches
        self._times.append((self.batches, rows))
        self._renew(rows)

    def _expire(self) -> None:
        while self._times and self._times[0][0] + self.expires <= self.batches:
            time, rows = self._times.popleft()
            old = rows[self._observed[rows] == time]  # others were observed again since
            self._right[old], self._tries[old] = self._frozen_right[old], self._frozen_tries[old]
            self._observed[old] = -1
            self._renew(old)

    def _renew(self, rows: Ints) -> None:
        self.weights[rows] = self._weigh(rows, self._right[rows], self._tries[rows])

    def _state(self) -> dict[str, Json]:
        rows = np.flatnonzero(self._observed >= 0)
        return {
            "rows": rows.tolist(),
            "right": texts(self._right[rows]),
            "tries": texts(self._tries[rows]),
            "observed": self._observed[rows].tolist(),
        }

    def _load(self, state: Mapping[str, Json]) -> None:
        rows = np.array(wholes(state["rows"]), np.int64)
        observed = np.array(wholes(state["observed"]), np.int64)
        self._right, self._tries = self._frozen_right.copy(), self._frozen_tries.copy()
        self._right[rows], self._tries[rows] = fractions(state["right"]), fractions(state["tries"])
        self._observed = np.full(len(self.pool), -1, np.int64)
        self._observed[rows] = observed
        self._times = deque((int(time), rows[observed == time]) for time in np.unique(observed))
        self.weights = self._weigh(np.arange(len(self.pool)), self._right, self._tries)
