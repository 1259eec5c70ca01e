"""Rows whose answers differ most: variance-weighted choice (MMR1, arXiv 2509.21268; VCRL,
arXiv 2509.19803).

The score is p (1 - p) / .25, between 0 and 1. For groups of an even number of answers that is
VCRL's variance over its largest; for an odd number G theirs is larger by G² / (G² - 1) throughout.
"""

import numpy as np

from train.curricula.adaptive import Floats, Ints
from train.curricula.order import Pool
from train.curricula.settings import VarianceSettings
from train.curricula.weighted import WeightedOrder


class VarianceOrder(WeightedOrder):
    """A share of each batch by score, the rest uniformly."""

    def __init__(self, pool: Pool, settings: VarianceSettings, seed: int) -> None:
        super().__init__(
            pool,
            seed,
            uniform=1 - settings.weighted,
            keep=settings.keep,
            expires=settings.expires,
            # Only how the tries compare matters to a rate, not how many there are.
            answers=1,
        )

    def _weigh(self, rows: Ints, right: Floats, tries: Floats) -> Floats:
        # Nothing known: as good as it can be, so that it comes to be known.
        rates = np.divide(right, tries, out=np.full(len(rows), 0.5), where=tries > 0)
        return signal(rates)


def signal(rates: Floats) -> Floats:
    """Score pass rates by the variance of a right-or-wrong reward, over its largest."""
    score: Floats = rates * (1 - rates) / 0.25
    return score
