"""NoisyRollout: part of each group answers a distorted view of the question (arXiv 2504.13055).

The distorted view only loosens what is *tried*: advantages are taken over the mixed group, and
loss and log-probabilities see the clean media, also for answers that were given to the noisy
ones. The noise falls in the course of the run. Pictures get a step of forward diffusion, clips
noise at a signal-to-noise ratio; questions without media have no noisy view.
"""

import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from augment.annealing import Annealing
from augment.diffusion import noise_level
from augment.transforms import find
from pipelines.policies.showing import View
from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Sample

MAX_SNR = 40
"""Decibels; from there on noise on a clip cannot be heard and is left out."""


class NoisySettings(BaseModel):
    """How much of each group sees noise, and how strong it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.5, gt=0, lt=1)
    """Share of each group that answers the noisy view; published runs used one half."""
    strongest: int = Field(default=450, ge=1, le=999)
    """Diffusion step at the start, of 1000: 400, 450 and 500 were published."""
    shape: Literal["sigmoid", "exp", "power", "linear"] = "sigmoid"
    """How the noise falls."""
    midpoint: float = Field(default=2 / 3, gt=0, lt=1)
    """Share of the run after which half of it is left."""
    steepness: float = Field(default=30.0, gt=0)
    """Of the sigmoid; published runs used 30 and 60."""

    @model_validator(mode="after")
    def _anneals(self) -> Self:
        _ = self.annealing  # raises for a midpoint that the shape does not have
        return self

    @property
    def annealing(self) -> Annealing:
        """The schedule over the run."""
        return Annealing(self.shape, self.strongest, self.midpoint, self.steepness)

    def noisy_of(self, group: int) -> int:
        """How many of a group's answers see the noisy view: the last ones of the group."""
        return min(group - 1, max(1, round(self.share * group)))


def noisy_view(sample: Sample, strength: int, *names: int | str) -> View | None:
    """Give the view with noise of a diffusion step; None where there is nothing to distort.

    `names` (the run's seed, the step) decide the noise together with the sample: the same ones
    bring it back.
    """
    seed = int(content_hash(["noisy", sample.sample_id, *names])[:7], 16)
    kinds = sorted({medium.kind for medium in sample.media})
    steps = [step for kind in kinds if (step := _step(kind, strength, seed)) is not None]
    return {"history": [*sample.history, *steps]} if steps else None


def snr_of(step: int) -> int:
    """The signal-to-noise ratio, in decibels, that a diffusion step leaves of unit power.

    x = sqrt(abar) x_0 + sqrt(1 - abar) eps: abar of signal to 1 - abar of noise.
    """
    noise = noise_level(step) ** 2
    return min(MAX_SNR, round(10 * math.log10((1 - noise) / noise)))


def _step(kind: str, strength: int, seed: int) -> Json:
    """The noise on one kind of medium, as a step of a history."""
    if strength < 1:
        return None
    if kind == "image":
        return _applied("diffusion_noise", {"step": strength, "seed": seed})
    if kind == "audio" and snr_of(strength) < MAX_SNR:
        return _applied("add_noise", {"snr_db": snr_of(strength), "seed": seed})
    return None


def _applied(name: str, params: dict[str, int]) -> Json:
    return {"name": name, "params": params, "version": find(name).version}
