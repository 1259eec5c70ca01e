"""What a person may say about measuring a policy in the course of a run."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

SetName: TypeAlias = Literal["held-out", "noisy", "blind", "retention"]
HELD_OUT: SetName = "held-out"
LOOKING = "held-out with media"
"""Names the accuracy on the held-out samples that `blind` asks too, as they are."""


class EvaluationSettings(BaseModel):
    """On which sets a run is measured, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: tuple[SetName, ...] = (HELD_OUT,)
    """Before and after training: `held-out` as it is, `noisy` and `blind` the same samples under
    noise and without their media, `retention` what the policy could do before."""
    every: int = Field(default=0, ge=0)
    """Updates between measurements in the course of the run; 0 measures only before and after."""
    noise: int = Field(default=450, ge=1, le=999)
    """Of `noisy`: step of forward diffusion, of 1000; clips get the noise ratio that it leaves."""
    blind: Literal["blanked", "withheld"] = "blanked"
    """Of `blind`: grey pictures and silence of the same size, or a prompt without media."""
    retention_samples: int = Field(default=100, ge=1)
    """Most samples of `retention`; the other sets have `eval_samples`."""
