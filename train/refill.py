"""Dynamic sampling: groups without signal give way to others (DAPO, arXiv 2503.14476, section 3.2).

Bounded, and then the batch is smaller: DAPO's code raises when ten batches held too little. What
counts is whether right and wrong answers stand in one group, not the reward: a term for length or
form gives an all-wrong group a spread that teaches nothing about the question.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from train.step import Answered


class RefillSettings(BaseModel):
    """How groups without signal are replaced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = Field(default=2, ge=0)
    """Most rounds of further questions for one step; 0 only leaves groups without signal out."""
    by: Literal["accuracy", "reward"] = "accuracy"
    """What must differ within a group: whether answers are right, or, for rewards with degrees
    such as overlap, what the verifier gave."""


def has_signal(answers: Iterable[Answered], by: str = "accuracy") -> bool:
    """Whether a group's graded answers differ, before anything was added to their rewards."""
    graded = [answer.score for answer in answers if answer.score.correct is not None]
    values: set[object] = {s.correct if by == "accuracy" else s.value for s in graded}
    return len(values) > 1
