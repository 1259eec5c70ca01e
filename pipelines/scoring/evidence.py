"""What counts of right answers say: Beta posteriors, and when enough has been asked.

The prior is Jeffreys', Beta(1/2, 1/2), because pass rates pile up at both ends. A question whose
answer can be guessed is judged on the rate above guessing: a band on p' = (p - g) / (1 - g) is
the band [g + low (1 - g), g + high (1 - g)] on p.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

PRIOR = 0.5


def in_band_probability(
    n: ArrayLike, successes: ArrayLike, guess: ArrayLike, low: float, high: float
) -> NDArray[np.float64]:
    """Posterior probability, element by element, that the pass rate above guessing is in band."""
    from scipy.special import betainc

    n, successes, guess = (np.asarray(values, dtype=np.float64) for values in (n, successes, guess))
    a, b = successes + PRIOR, n - successes + PRIOR
    lower, upper = (guess + edge * (1 - guess) for edge in (low, high))
    inside: NDArray[np.float64] = betainc(a, b, upper) - betainc(a, b, lower)
    return inside


class StoppingRule(BaseModel):
    """When a sample has been asked often enough."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: int = Field(default=4, ge=1)
    """Answers asked for at once; sharing one prompt makes a block nearly as cheap as one."""
    cap: int = Field(default=16, ge=1)
    """Most answers asked for per sample."""
    low: float = Field(default=0.1, ge=0, le=1)
    """Lower edge of the band that is to be decided."""
    high: float = Field(default=0.9, ge=0, le=1)
    """Upper edge of the band that is to be decided."""
    confidence: float = Field(default=0.9, gt=0.5, lt=1)
    """Stop when the band is this probable, or this improbable."""

    @model_validator(mode="after")
    def _ordered(self) -> "StoppingRule":
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.block > self.cap:
            raise ValueError(f"block {self.block} is larger than cap {self.cap}")
        return self

    def undecided(self, n: ArrayLike, successes: ArrayLike, guess: ArrayLike) -> NDArray[np.bool_]:
        """Say, element by element, which samples are to be asked again."""
        n = np.asarray(n)
        inside = in_band_probability(n, successes, guess, self.low, self.high)
        open_ = (inside > 1 - self.confidence) & (inside < self.confidence)
        undecided: NDArray[np.bool_] = (n == 0) | (open_ & (n < self.cap))
        return undecided

    def next_block(self, n: ArrayLike) -> NDArray[np.int64]:
        """How many answers to ask for next: a block, never past the cap."""
        block: NDArray[np.int64] = np.minimum(self.block, self.cap - np.asarray(n))
        return block
