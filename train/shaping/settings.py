"""What a person may say about what is added to the reward in training."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LengthReward = Literal["off", "kimi", "fast"]

WEIGHTS: dict[LengthReward, float] = {"off": 0.0, "kimi": 1.0, "fast": 0.5}
"""Those of the papers."""
REACH: dict[LengthReward, float] = {"off": 0.0, "kimi": 0.5, "fast": 1.0}
"""By how much a length reward of weight 1 can bring a right and a wrong answer of one group
closer: Kimi's takes half a point off the right one; FAST's takes a whole one off it where the
question is easy, and gives the wrong one a whole one where it is hard."""


class ShapingSettings(BaseModel):
    """What is added to the verifier's reward; nothing unless it is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: LengthReward = "off"
    """`kimi`: right answers earn by being short beside the others to the same question, wrong
    ones never earn; `fast`: short right answers to easy questions and long wrong ones to hard
    questions earn."""
    length_weight: float | None = Field(default=None, gt=0, le=2, allow_inf_nan=False)
    """Of the length reward; 1 for `kimi`, whose reward lies within a half, and 0.5 for `fast`."""
    length_after: float = Field(default=0.25, ge=0, le=1)
    """Share of the run after which the length reward is on: first right, then short."""
    overlong: float = Field(default=0.0, ge=0, le=1)
    """What an answer of `max_tokens` loses (DAPO's soft punishment); 0 punishes none. 0.5 is to
    rewards of 0 and 1 what DAPO's 1 is to its rewards of -1 and 1."""
    overlong_buffer: float = Field(default=0.2, gt=0, le=1)
    """Share of `max_tokens`, at the end, within which the punishment grows from nothing."""

    @property
    def weight(self) -> float:
        """Of the length reward."""
        return WEIGHTS[self.length] if self.length_weight is None else self.length_weight

    @property
    def reach(self) -> float:
        """How much closer all of it can bring a right and a wrong answer that lie a point apart."""
        return self.weight * REACH[self.length] + self.overlong

    @model_validator(mode="after")
    def _right_stays_above_wrong(self) -> Self:
        if self.length == "off" and self.length_weight is not None:
            raise ValueError("`length_weight` weighs nothing; name the `length` reward too")
        if self.reach > 0.95:
            raise ValueError(
                f"a right answer could fall to a wrong one: {REACH[self.length]:g} x the weight "
                f"{self.weight:g} of length {self.length!r} and overlong {self.overlong:g} make "
                f"{self.reach:g}; lower them to 0.95 together"
            )
        return self
