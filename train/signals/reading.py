"""What a detector is: it looks at each step and gives a number that a threshold can stand against.

Whether that number is too high, for how long, and what follows, is decided in one place (`watch`).
"""

from dataclasses import dataclass
from typing import Protocol

from pipelines.record.canonical import Json
from train.step import StepFacts


@dataclass(frozen=True, slots=True)
class Reading:
    """What a detector says of a step."""

    value: float
    detail: str
    """The numbers behind the value, for people."""
    counts: bool = True
    """Whether all else holds that the signature asks for beside its threshold."""


class Detector(Protocol):
    """Measures one failure signature, with a state of plain JSON that a checkpoint keeps."""

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it after a step; None: this step says nothing of it."""

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep."""

    def load_state_dict(self, state: dict[str, Json]) -> None:
        """Go on from a checkpoint."""
