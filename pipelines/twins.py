"""Twins: a sample and the same with one transform, as strong as the label table lets it be.

An audit asks a policy about both, and a preview shows both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from inspect import signature

from augment.errors import AugmentError
from augment.labels import TABLE, Ruling, Table, safe
from augment.recipes import Recipe, Step
from augment.table import COLUMNS
from augment.transforms import Limits, Range, find
from pipelines.policies.showing import View, as_twin
from pipelines.record.sample import Sample
from pipelines.record.steps import Reject
from pipelines.views import Sizes, ruled_for, view


class CannotTwin(ValueError):
    """A transform that a sample does not bear; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class TwinMaker:
    """Makes twins of samples, each with one transform."""

    seed: int = 0
    table: Table = field(default_factory=lambda: TABLE)
    """What is allowed, and how strongly."""
    allowed: tuple[str, ...] = ()
    """What is wrongly called safe on top of that (`TRANSFORM:TAG`, or `TRANSFORM` for every tag), to
    see whether an audit finds it out."""

    def make(self, sample: Sample, step: Step, sizes: Sizes) -> Sample:
        """Make a twin, with the words and the answer that it has. Raises CannotTwin."""
        ruling = self.ruling(sample, step, sizes)
        if not ruling.allowed:
            raise CannotTwin(ruling.reason)
        recipe = _alone(
            step if step.limits else Step(step.transform, usual(step.transform, ruling))
        )
        try:
            made = view(sample, recipe, 0, self.seed, sizes=sizes, table=self._loosened)
        except AugmentError as error:
            raise CannotTwin(str(error)) from error
        if isinstance(made, Sample):
            return made
        raise CannotTwin(made.detail if isinstance(made, Reject) else "nothing could be drawn")

    def showing(self, sample: Sample, step: Step, sizes: Sizes) -> View:
        """Say how a twin is shown, marked where the table would not have it so. Raises CannotTwin."""
        shown = dict(as_twin(sample, self.make(sample, step, sizes)))
        if self.allowed and self.ruling(sample, step, sizes) != _ruling(
            sample, step, sizes, self.table
        ):
            shown["overridden"] = True
        return shown

    def ruling(self, sample: Sample, step: Step, sizes: Sizes) -> Ruling:
        """Rule on a transform for a sample, with the strengths that are left."""
        return _ruling(sample, step, sizes, self._loosened)

    @property
    def _loosened(self) -> Table:
        return loosened(self.table, self.allowed)


def concerns(transform: str, sample: Sample) -> bool:
    """Whether there is anything in a sample that a transform could change."""
    medium = find(transform).medium
    kinds = {one.kind for one in sample.media}
    return medium == "text" or medium in kinds or (medium == "image" and "video" in kinds)


def usual(transform: str, ruling: Ruling) -> Limits:
    """How strongly a transform draws where nobody says more, as far as a ruling reaches that.

    A ruling may allow all that does no harm, such as noise that nobody hears; that tells nothing.
    """
    parameters = signature(find(transform).draw).parameters.values()
    drawn = {one.name: one.default for one in parameters if isinstance(one.default, tuple)}
    return {
        name: (low, high)
        for name, (low, high) in drawn.items()
        if low < high and _overlap((low, high), ruling.limits.get(name, (low, high)))
    }


def _overlap(one: Range, other: Range) -> bool:
    return max(one[0], other[0]) <= min(one[1], other[1])


def loosened(table: Table, allowed: Sequence[str]) -> Table:
    """Call cells of a table safe. Raises AugmentError for a transform or tag that nobody knows."""
    out = dict(table)
    for cell in allowed:
        name, _, tag = cell.partition(":")
        columns = COLUMNS[find(name).medium]
        if tag and tag not in columns:
            raise AugmentError(
                f"{cell!r}: {name!r} knows no tag {tag!r}, only {', '.join(columns)}"
            )
        row = dict.fromkeys([tag] if tag else columns, safe("allowed against the table, on trial"))
        out[name] = {**out.get(name, {}), **row}
    return out


def _ruling(sample: Sample, step: Step, sizes: Sizes, table: Table) -> Ruling:
    return ruled_for(sample, _alone(step), sizes, table)[step.transform]


def _alone(step: Step) -> Recipe:
    """A recipe of one transform, whose draws hang on nothing else."""
    return Recipe(
        name=f"only-{step.transform}",
        version=1,
        medium=find(step.transform).medium,
        steps=(Step(step.transform, step.limits, 1.0),),
    )
