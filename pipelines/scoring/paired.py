"""What pairs of rates say of their difference, and how many pairs a margin asks for.

Each pair gives one number: how often the second is right less how often the first is, from -1 to 1.
The interval is Wald's with one pair added that gains all and one that loses all (Bonett and Price,
2012), so that a hundred pairs without any difference still leave three points of doubt.
"""

import math
from dataclasses import dataclass
from typing import Literal

Z = 1.959964
"""Standard deviations on each side of a 95% interval."""
PSEUDO = 2
"""Pairs that are added: one gains everything, and one loses everything."""
MOST = 100_000
"""Pairs beyond which it is no longer said how many would be needed."""

Verdict = Literal["keeps", "loses", "undecided"]


@dataclass(frozen=True, slots=True)
class Paired:
    """Sums over pairs: each sample counts once, however often it was asked."""

    pairs: int
    total: float = 0.0
    """Sum of the differences."""
    squares: float = 0.0
    """Sum of their squares."""

    @property
    def difference(self) -> float | None:
        """Mean difference as it was found."""
        return self.total / self.pairs if self.pairs else None

    @property
    def variance(self) -> float:
        """Variance of one pair's difference, the added pairs counted."""
        n = self.pairs + PSEUDO
        return (self.squares + PSEUDO) / n - (self.total / n) ** 2

    @property
    def interval(self) -> tuple[float, float]:
        """The mean difference with 95% confidence."""
        n = self.pairs + PSEUDO
        middle, half = self.total / n, Z * math.sqrt(self.variance / n)
        return max(-1.0, middle - half), min(1.0, middle + half)

    def verdict(self, margin: float) -> Verdict:
        """Say whether less than the margin is lost, or more, or whether that cannot be told yet."""
        low, high = self.interval
        if low > -margin:
            return "keeps"
        return "loses" if high < -margin else "undecided"

    def needed(self, margin: float) -> int | None:
        """How many pairs would tell, if difference and variance stay as they are found.

        None where the difference lies so near the margin that no sensible number would.
        """
        gap = abs(self.total / (self.pairs + PSEUDO) + margin)
        return pairs_for(gap, self.variance)


def pairs_for(gap: float, variance: float) -> int | None:
    """How many pairs make the interval reach no further than `gap`; None beyond sense."""
    if gap * math.sqrt(MOST) <= Z * math.sqrt(variance):
        return None
    return max(1, math.ceil(variance * (Z / gap) ** 2))


def pairs_before(margin: float, answers: int) -> int | None:
    """How many pairs a margin needs at worst, before anything is asked.

    At worst every answer is a coin's toss, and the transform does no harm: the difference of two
    means of `answers` tosses varies by 1 / (2 `answers`).
    """
    return pairs_for(margin, 0.5 / answers)
