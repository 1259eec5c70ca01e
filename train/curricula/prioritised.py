"""Rows that are often failed, but not those that cannot be solved (Kimi k1.5, arXiv 2501.12599).

Kimi draws by 1 - s, s the success rate, so that what is unsolvable or wrongly labelled ends up in
every batch. Here the weight is never more than the posterior probability that the row can be
solved at all: it falls as failures add up.
"""

import numpy as np
from scipy.special import betainc

from train.curricula.adaptive import Floats, Ints, above_guessing
from train.curricula.order import Pool
from train.curricula.settings import PrioritisedSettings
from train.curricula.weighted import WeightedOrder


class PrioritisedOrder(WeightedOrder):
    """w = min(1 - s, P(p > solvable)), both above guessing, p ~ Beta(right + 1/2, wrong + 1/2)."""

    def __init__(self, pool: Pool, settings: PrioritisedSettings, seed: int) -> None:
        self._guess = np.array(pool.guess_rates, np.float64)
        self._solvable = settings.solvable
        super().__init__(
            pool,
            seed,
            uniform=settings.uniform,
            keep=settings.keep,
            expires=settings.expires,
            answers=settings.answers,
        )

    def _weigh(self, rows: Ints, right: Floats, tries: Floats) -> Floats:
        a, b = right + 0.5, np.maximum(tries - right, 0) + 0.5
        guess = self._guess[rows]
        failed = 1 - above_guessing(a / (a + b), guess)
        solvable = 1 - betainc(a, b, guess + (1 - guess) * self._solvable)
        weights: Floats = np.minimum(failed, solvable)
        return weights
