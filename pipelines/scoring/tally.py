"""What counts of right answers say about pass rates: Beta posteriors, many samples at a time.

The prior is Jeffreys', Beta(1/2, 1/2), because pass rates pile up at both ends, or one that is
fitted to samples of the same kind (`pipelines.scoring.priors`). A question whose answer can be
guessed is judged on the rate above guessing: a band on p' = (p - g) / (1 - g) is the band
[g + low (1 - g), g + high (1 - g)] on p.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRIOR = 0.5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of some samples, one element each; arrays of one length."""

    n: NDArray[np.int64]
    """Graded answers."""
    successes: NDArray[np.int64]
    guess: Floats
    """Share of blind guesses that are right."""
    a: Floats
    """The prior's pseudo-count of right answers."""
    b: Floats
    """The prior's pseudo-count of wrong answers."""

    @classmethod
    def of(
        cls,
        n: ArrayLike,
        successes: ArrayLike,
        guess: ArrayLike = 0.0,
        a: ArrayLike = PRIOR,
        b: ArrayLike = PRIOR,
    ) -> "Tally":
        """Take counts as they come, and Jeffreys' prior where none is given."""
        parts: Any = np.broadcast_arrays(
            np.asarray(n, np.int64),
            np.asarray(successes, np.int64),
            *(np.asarray(values, np.float64) for values in (guess, a, b)),
        )
        return cls(*(np.atleast_1d(part) for part in parts))

    def tails(self, low: float, high: float) -> tuple[Floats, Floats]:
        """Posterior probabilities that the pass rate above guessing is below and above a band."""
        from scipy.special import betainc, betaincc

        a, b = self.a + self.successes, self.b + self.n - self.successes
        lower, upper = (self.guess + edge * (1 - self.guess) for edge in (low, high))
        return betainc(a, b, lower), betaincc(a, b, upper)

    def inside(self, low: float, high: float) -> Floats:
        """Posterior probability that the pass rate above guessing is in a band."""
        below, above = self.tails(low, high)
        return 1 - below - above
