"""What a person may say about the source of order.

`by` names the source, and its own options stand in a section of that name.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Source = Literal["fixed", "stages", "e2h", "adarft", "variance", "prioritised", "bandit", "greso"]


class StagesSettings(BaseModel):
    """Stage after stage (Curr-ReFT)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passes: tuple[int, ...] = Field(default=(1,), min_length=1)
    """Times to go through each stage before the next, the last number holding for all further
    ones. Curr-ReFT: [1, 1, 2]."""
    move_on_at: float | None = Field(default=None, gt=0, le=1)
    """Running accuracy at which the next stage begins early; unset: never."""
    smoothing: float = Field(default=0.9, ge=0, lt=1)
    """Share of the running accuracy that stays when a batch is added to it."""
    least_batches: int = Field(default=10, ge=1)
    """Batches of a stage that are seen before it may end early."""

    @model_validator(mode="after")
    def _each_stage_is_seen(self) -> Self:
        if min(self.passes) < 1:
            raise ValueError("every stage is gone through at least once: `passes` are 1 or more")
        return self


class E2hSettings(BaseModel):
    """From easy levels to hard ones by a schedule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schedule: Literal["classic", "cosine", "gaussian"] = "gaussian"
    """`classic`: one level at a time; `cosine`: weights turn slowly from easy to hard; `gaussian`:
    a bell that wanders over the levels."""
    levels_by: Literal["pass-rate", "stages"] = "pass-rate"
    """Levels of equal count by pass rate above guessing, or the dataset's own stages."""
    levels: int = Field(default=4, ge=2, le=1000)
    """How many, by pass rate."""
    beta: float = Field(default=0.5, gt=0)
    """Gaussian: the bell's middle moves as progress^beta; below 1 it leaves the easy levels fast."""
    sigma: float = Field(default=0.5, gt=0)
    """Gaussian: the bell's width, in levels."""

    @model_validator(mode="after")
    def _options_mean_something(self) -> Self:
        given = self.model_fields_set
        if self.schedule != "gaussian" and given & {"beta", "sigma"}:
            raise ValueError(f"`beta` and `sigma` are of the gaussian, not of {self.schedule!r}")
        if self.levels_by == "stages" and "levels" in given:
            raise ValueError("the dataset says how many stages there are; leave `levels` out")
        return self


class AdarftSettings(BaseModel):
    """Rows near a difficulty that follows the policy's success."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float = Field(default=50.0, ge=0, le=100)
    """First target. 50 is where a policy solves half of what it was scored on itself; the paper
    begins at 0, with difficulties from another model."""
    success: float = Field(default=0.5, gt=0, lt=1)
    """Accuracy above guessing that is aimed at (the paper's beta)."""
    sensitivity: float = Field(default=2.0, gt=0)
    """How soon a difference from that counts whole (alpha)."""
    step: float = Field(default=5.0, gt=0, le=50)
    """Most that the target moves after one batch (eta). The paper's 50 jumps by 38 of 100."""
    smoothing: float = Field(default=0.8, ge=0, lt=1)
    """Share of the running accuracy that stays when a batch is added to it."""


class VarianceSettings(BaseModel):
    """Rows whose answers differ most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weighted: float = Field(default=0.5, gt=0, le=0.95)
    """Share that is drawn by score (MMR1's lambda); the rest is uniform."""
    keep: float = Field(default=0.5, ge=0, lt=1)
    """What older evidence on a row still counts when its next group is observed."""
    expires: int = Field(default=35, ge=1)
    """Batches after which what was observed gives way to the frozen pass rate."""


class PrioritisedSettings(BaseModel):
    """Rows that are often failed, but can be solved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uniform: float = Field(default=0.1, ge=0.05, le=1)
    """Share that is drawn uniformly, so that no row is left out for good."""
    solvable: float = Field(default=0.05, gt=0, lt=1)
    """A row can be solved when its pass rate above guessing exceeds this."""
    answers: int = Field(default=8, ge=1)
    """Tries that a frozen pass rate, or one observed group, counts for."""
    keep: float = Field(default=0.8, ge=0, lt=1)
    """What older evidence on a row still counts when its next group is observed."""
    expires: int = Field(default=200, ge=1)
    """Batches after which what was observed gives way to the frozen pass rate."""


class BanditSettings(BaseModel):
    """Categories by how much is learned from each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(default=0.2, gt=0, le=1)
    """How far the value of a category goes towards what a batch gained."""
    temperature: float = Field(default=0.2, gt=0)
    """Below 1 the best categories are preferred clearly: gains lie between 0 and 1."""
    floor: float = Field(default=0.02, gt=0, le=1)
    """Least probability of a category; at most half of an equal share is taken."""


class GresoSettings(BaseModel):
    """The curated order, without most of what taught nothing lately."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exploration: float = Field(default=0.5, gt=0, lt=1)
    """First p of a row that was all right, or all wrong, once: it is asked with p, after c times
    with p^c."""
    floor: float = Field(default=0.01, gt=0, le=1)
    """Least probability that a row is asked."""
    easy_share: float = Field(default=0.25 / 3, ge=0, le=1)
    """Share of a batch that may be all right; where there is more, p of easy rows falls."""
    hard_share: float = Field(default=0.25 * 2 / 3, ge=0, le=1)
    """The same for all wrong."""
    step: float = Field(default=0.01, gt=0, lt=1)
    """How far p moves after a batch."""
    least: float = Field(default=0.05, gt=0, lt=1)
    """Lowest p."""
    most: float = Field(default=0.95, gt=0, lt=1)
    """Highest p."""
    revisit: int = Field(default=20, ge=0)
    """Passes after which a row that was skipped in all of them is asked; 0: only by chance."""

    @model_validator(mode="after")
    def _bounds_hold(self) -> Self:
        if not self.least <= self.exploration <= self.most:
            raise ValueError(
                f"`exploration` {self.exploration:g} must lie between `least` {self.least:g} "
                f"and `most` {self.most:g}"
            )
        return self


SECTIONS = ("stages", "e2h", "adarft", "variance", "prioritised", "bandit", "greso")


class CurriculumSettings(BaseModel):
    """Which rows are asked next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Source = "fixed"
    """`fixed`: the curated order; `stages`: each stage to its end; `e2h`: easy to hard by schedule;
    `adarft`: near a target difficulty; `variance`: where answers differ most; `prioritised`: what
    is failed; `bandit`: the categories that teach; `greso`: without what taught nothing lately."""
    stages: StagesSettings | None = None
    """Options of `stages`."""
    e2h: E2hSettings | None = None
    """Options of `e2h`."""
    adarft: AdarftSettings | None = None
    """Options of `adarft`."""
    variance: VarianceSettings | None = None
    """Options of `variance`."""
    prioritised: PrioritisedSettings | None = None
    """Options of `prioritised`."""
    bandit: BanditSettings | None = None
    """Options of `bandit`."""
    greso: GresoSettings | None = None
    """Options of `greso`."""

    @property
    def passes(self) -> tuple[int, ...]:
        """How often each stage is gone through before the next."""
        return self.stages.passes if self.stages else (1,)

    @model_validator(mode="before")
    @classmethod
    def _own_section(cls, given: Any) -> Any:
        """Write the defaults out, so that leaving them out and saying them is the same run."""
        if isinstance(given, Mapping) and given.get("by") in SECTIONS:
            own = given["by"]
            return {**given, own: {} if given.get(own) is None else given[own]}
        return given

    @model_validator(mode="after")
    def _no_other_section(self) -> Self:
        others = [name for name in SECTIONS if name != self.by and getattr(self, name) is not None]
        if others:
            raise ValueError(
                f"the order is by {self.by!r}, which has no use for the section {others[0]!r}; "
                f'set by = "{others[0]}", or leave the section out'
            )
        return self
