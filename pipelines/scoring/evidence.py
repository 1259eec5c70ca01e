"""When enough has been asked: the rules by which a sample is asked again or left alone."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.scoring.tally import Tally
from pipelines.scoring.worth import Stakes, is_worth_asking

Bools = NDArray[np.bool_]


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
    goal: Literal["band", "mixed"] = "band"
    """Decide the band, or only whether `cap` answers would hold both right and wrong ones."""
    stop: Literal["confidence", "worth"] = "confidence"
    """Ask until the band is decided so surely, or while another block is worth what it costs."""
    confidence: float = Field(default=0.9, gt=0.5, lt=1)
    """`stop = "confidence"`: enough is known when the band is this probable, or this improbable."""
    price: float = Field(default=0.002, gt=0, lt=1)
    """`stop = "worth"`: cost of one answer, in wrong decisions; .002 pays 500 answers for one."""
    prior: Literal["jeffreys", "empirical"] = "jeffreys"
    """Beta(1/2, 1/2), or a Beta fitted to the samples of the same corpus and task."""
    fill: int = Field(default=0, ge=0)
    """Answers that keep the policy busy: when fewer samples than that are open, each is asked for
    more than a block at once. 0 never asks for more."""

    @model_validator(mode="after")
    def _ordered(self) -> "StoppingRule":
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.block > self.cap:
            raise ValueError(f"block {self.block} is larger than cap {self.cap}")
        return self

    def undecided(self, tally: Tally) -> Bools:
        """Say, element by element, which samples are to be asked again."""
        undecided: Bools = (tally.n == 0) | ((tally.n < self.cap) & self._open(tally))
        return undecided

    def next_block(self, asked: ArrayLike, open_samples: int = 0) -> NDArray[np.int64]:
        """How many answers to ask for next, each: a block or a full share, never past the cap."""
        share = self.fill // open_samples if open_samples else 0
        block: NDArray[np.int64] = np.minimum(
            max(self.block, share), np.maximum(self.cap - np.asarray(asked), 0)
        )
        return block

    def _open(self, tally: Tally) -> Bools:
        if self.goal == "mixed":
            # What is mixed stays mixed: stopping there gives the very decision of all `cap`.
            alike: Bools = (tally.successes == 0) | (tally.successes == tally.n)
            return alike
        if self.stop == "worth":
            stakes = Stakes(self.low, self.high, self.block, self.cap, self.price)
            return is_worth_asking(stakes, tally)
        inside = tally.inside(self.low, self.high)
        return (inside > 1 - self.confidence) & (inside < self.confidence)
