"""How strong a noise still is in the course of a run (NoisyRollout, arXiv 2504.13055, section 3).

Progress and midpoint are shares of the run, from 0 to 1, and never steps: a schedule written in
steps means something else in a longer run, and in a shorter one it does not finish.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from augment.diffusion import STEPS
from augment.errors import AugmentError

Shape: TypeAlias = Literal["sigmoid", "exp", "power", "linear"]


@dataclass(frozen=True, slots=True)
class Annealing:
    """A noise that falls in the course of a run, to one half at the midpoint.

    A midpoint at the end of the run never finishes annealing: half of the noise is left at the
    last step (NoisyRollout's midpoint of 40 steps in a run of 40 ends at step 225 of 1000), and a
    policy that sees noise to the end is trained for noise. `left_at_the_end` says what is left.
    """

    shape: Shape = "sigmoid"
    strongest: int = 500
    """Diffusion step at the start; published runs used 400 to 500."""
    midpoint: float = 2 / 3
    """Share of the run after which half is left; `linear` has it at one half."""
    steepness: float = 30.0
    """Of the sigmoid; 30 for 60 steps of Geo3K, 60 for K12."""

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise AugmentError(
                f"unknown shape {self.shape!r}; known are {', '.join(get_args(Shape))}"
            )
        if not 0 < self.midpoint < 1:
            raise AugmentError(
                f"a midpoint is a share of the run above 0 and below 1, not {self.midpoint}"
            )
        if self.shape == "linear" and self.midpoint != 0.5:
            raise AugmentError("a linear schedule has its midpoint at 0.5")
        if not 0 <= self.strongest < STEPS or self.steepness <= 0:
            raise AugmentError(
                f"the strongest step is from 0 to {STEPS - 1} and the steepness above 0, "
                f"not {self.strongest} and {self.steepness}"
            )

    def decay(self, progress: float) -> float:
        """Return how much of the noise is left after a share of the run."""
        if not 0 <= progress <= 1:
            raise AugmentError(f"progress is a share of the run from 0 to 1, not {progress}")
        if self.shape == "sigmoid":
            return 1 - 1 / (1 + math.exp(-self.steepness * (progress - self.midpoint)))
        if self.shape == "exp":
            return float(0.5 ** (progress / self.midpoint))
        if self.shape == "power":
            return float(1 - progress ** (math.log(0.5) / math.log(self.midpoint)))
        return 1 - progress

    @property
    def left_at_the_end(self) -> float:
        """How much of the noise is left when the run ends; `exp` needs an early midpoint."""
        return self.decay(1.0)


def noise_step(schedule: Annealing, progress: float) -> int:
    """Return the diffusion step after a share of the run; 0 stands for the clean picture."""
    return int(schedule.strongest * schedule.decay(progress))
