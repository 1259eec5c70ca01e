"""What a person writes to curate: which samples, how hard, how many, and in what order."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.record.canonical import Json, exact
from pipelines.record.sample import Split
from pipelines.workspace import read_toml

CONTROL_SUFFIX = "-control"


class Section(BaseModel):
    """A table of a plan: frozen, and without keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceRule(Section):
    """Whose rollouts say how hard a sample is."""

    policies: tuple[str, ...] = ()
    """Policies by name, id or pattern (`gsm8k/*`), pooled; none named: all that have evidence."""
    template: str | None = None
    """Only answers under this prompt template, by name, id or pattern."""
    reward: str | None = None
    """Only grades by this reward, as `name`, `name@version` or pattern."""
    minimum: int = Field(default=4, ge=1)
    """Graded tries that a sample needs before its pass rate counts."""


class TrainingRule(Section):
    """What training runs say of samples; with no run named, nothing."""

    runs: tuple[str, ...] = ()
    """Runs by id, by dataset (`digits`, `digits@2`) or pattern; `latest`: the one begun last."""
    minimum: int = Field(default=4, ge=1)
    """Graded training answers that a sample needs before they count for or against it."""
    max_age: int | None = Field(default=None, ge=0)
    """Answers older than so many steps before the end of their run do not count."""
    gamma: float = Field(default=0.97, gt=0, le=1)
    """What an answer's weight is multiplied with for every step of its run that came after it."""
    drop_easy_above: float | None = Field(default=None, ge=0, lt=1)
    """Drop what the runs have made easy: answered right by more than this share (Polaris: 0.9)."""
    alignment: float | None = Field(default=None, ge=-1, lt=1)
    """Drop what was not learned as the whole was: LIMR's score is not above this (LIMR: 0.6)."""
    tries: bool = False
    """Whether training answers stand in as tries where the plan's evidence has none."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        rules = {
            "drop_easy_above": self.drop_easy_above is not None,
            "alignment": self.alignment is not None,
            "tries": self.tries,
        }
        asked = [name for name, wanted in rules.items() if wanted]
        if asked and not self.runs:
            raise ValueError(f"{asked[0]} asks training runs: name them as `runs`")
        if self.runs and not asked:
            raise ValueError(f"runs are named and not used: set one of {', '.join(rules)}")
        return self


class Band(Section):
    """How hard a sample may be."""

    low: float = Field(default=0.1, ge=0, le=1)
    """Lowest pass rate that stays; the bounds belong to the band."""
    high: float = Field(default=0.9, ge=0, le=1)
    """Highest pass rate that stays."""
    guess_correction: bool = True
    """Measure the pass rate of yes/no and multiple-choice samples above blind guessing."""
    rule: Literal["estimate", "probability"] = "estimate"
    """Keep a sample when its pass rate is in the band, or when it probably is."""
    probability: float = Field(default=0.5, gt=0, lt=1)
    """How probable, under the posterior Beta(k + 1/2, n - k + 1/2), `rule = "probability"` asks."""
    unsolved_share: float = Field(default=0.0, ge=0, lt=1)
    """Largest share of the set that may be samples without one right answer yet."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low = {self.low:g} lies above high = {self.high:g}")
        return self


class Gates(Section):
    """What else a sample must stand, where a probe or another policy has put it to the test."""

    duplicates: Literal["drop", "keep"] = "drop"
    """What happens to samples that repeat another one, which stays (`curricle clean`)."""
    same_picture: Literal["drop", "keep"] = "keep"
    """What happens to samples that show a picture of a benchmark with another question."""
    blind: Literal["drop", "keep"] = "drop"
    """What happens to samples that are solved as well without looking (`curricle score blind`)."""
    blind_margin: float = Field(default=0.05, gt=0, lt=1)
    """Solvable blind: above this pass rate, and no more than this below the one with media."""
    blind_probability: float = Field(default=0.5, gt=0, lt=1)
    """How probable that has to be, under the posteriors of both pass rates above guessing."""
    shuffle: Literal["drop", "keep"] = "drop"
    """What happens to choices whose right answers do not survive other places of the options."""
    shuffle_margin: float = Field(default=0.25, gt=0, lt=1)
    """Guessed: the pass rate above guessing falls by more than this (`curricle score shuffle`)."""
    shuffle_probability: float = Field(default=0.9, gt=0, lt=1)
    """How probable that fall has to be, under the posteriors of both pass rates."""
    unsolved_by_all_share: float = Field(default=0.0, ge=0, lt=1)
    """Largest share of the set that no policy ever solved: such labels may be wrong."""
    unsolved_by_all_tries: int = Field(default=16, ge=1)
    """Tries, over all policies and searches, that one of those needs to come in."""


class Quota(Section):
    """How many samples stay."""

    size: int | None = Field(default=None, ge=1)
    """Largest number of samples; a seeded choice among those in the band."""
    per_task: int | None = Field(default=None, ge=1)
    """Largest number of samples of one task."""
    seed: int = 0
    """Decides which samples stay where there are too many."""


class Order(Section):
    """In what order training sees them."""

    by: Literal["easy-to-hard", "random", "answer-form"] = "easy-to-hard"
    """By pass rate; at random; or yes/no, then choices, then open answers (Curr-ReFT)."""
    stages: int | None = Field(default=None, ge=1)
    """Stages of equal count; unset: one, or for `answer-form` one for each form."""
    prompts_per_step: int = Field(default=4, ge=1)
    """Prompts of one training batch; every stage is padded up to whole batches of one class."""
    seed: int = 0
    """Decides a random order, and which samples pad a stage."""


class Prediction(Section):
    """What training is expected to do."""

    completions: int = Field(default=8, ge=2)
    """Completions of one prompt in training, for the predicted share of groups without signal."""


class Control(Section):
    """The random set to compare with."""

    draw: bool = True
    """Freeze an equal-size random choice from the same candidates, before the band."""
    seed: int = 0
    """Decides the choice and its order."""


class Plan(Section):
    """Which samples become a dataset, and how it is laid out."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    """Name of the dataset; its versions are `name@1`, `name@2`, …"""
    where: str = "true"
    """A SQL condition over the view `candidates`, such as `corpus = 'digits'`."""
    split: Split = "train"
    """The split that samples are taken from; one seen in any test split is test."""
    include_views: bool = False
    """Whether augmented views may be chosen beside originals."""
    evidence: EvidenceRule = EvidenceRule()
    """Whose rollouts say how hard a sample is."""
    training: TrainingRule = TrainingRule()
    """What training runs say of samples."""
    band: Band = Band()
    """How hard a sample may be."""
    gates: Gates = Gates()
    """What else a sample must stand, where it was put to the test."""
    quota: Quota = Quota()
    """How many samples stay."""
    order: Order = Order()
    """In what order training sees them."""
    prediction: Prediction = Prediction()
    """What training is expected to do."""
    control: Control = Control()
    """The random set to compare with."""

    @model_validator(mode="after")
    def _not_a_control(self) -> Self:
        if self.name.endswith(CONTROL_SUFFIX):
            raise ValueError(f"a name must not end in {CONTROL_SUFFIX!r}; controls are named so")
        return self

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        of_all, share = self.gates.unsolved_by_all_share, self.band.unsolved_share
        if of_all > share:
            raise ValueError(
                f"unsolved_by_all_share = {of_all:g} of [gates] is more than "
                f"unsolved_share = {share:g} of [band], which holds for all unsolved samples"
            )
        return self

    @property
    def control_name(self) -> str:
        """Name of the control's dataset."""
        return self.name + CONTROL_SUFFIX

    def as_json(self) -> dict[str, Json]:
        """Give the form that is stored and hashed; fractions are decimal strings.

        Without what plans had not always, where that is not used, so that they keep their form.
        """
        content = self.model_dump(mode="json", exclude=None if self.training.runs else {"training"})
        for name in ("duplicates", "same_picture"):
            if getattr(self.gates, name) == Gates.model_fields[name].default:
                del content["gates"][name]
        return {key: exact(value) for key, value in content.items()}


def read_plan(path: Path) -> Plan:
    """Read a plan from a TOML file. Raises WrongUse, naming the file and the key."""
    return read_toml(path, Plan)
