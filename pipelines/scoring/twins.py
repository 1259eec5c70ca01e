"""Which samples are asked beside which twins: the pairs of an invariance audit.

Every task is looked at in an order that hangs on its samples alone, so that a larger audit asks all
that a smaller one asked, and all transforms share the clean answers of a sample.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from augment.recipes import Step
from pipelines.catalog.samples import load_samples
from pipelines.policies.showing import View
from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Sample
from pipelines.scoring.probe_views import CannotProbe
from pipelines.twins import CannotTwin, TwinMaker, concerns
from pipelines.views import Sizes, sizes_of
from pipelines.workspace import Progress, Workspace, silent

PURPOSE = "invariance"
CLEAN: View = {"history": []}
CHUNK = 200
"""Samples looked at together."""
LOOKED_AT = 5
"""Samples of a task that are looked at for each pair that is wanted."""

Cell = tuple[str, str]
"""Task and transform."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A sample, and how it is shown as a twin."""

    sample: Sample
    view: View

    @property
    def overridden(self) -> bool:
        """Whether the label table would not have allowed just this."""
        return "overridden" in self.view


@dataclass(slots=True)
class Pairs:
    """What an audit asks about, and what it may not ask about."""

    cells: defaultdict[Cell, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    forbidden: defaultdict[Cell, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How often a transform is forbidden, by reason."""

    def views(self) -> dict[str, list[View]]:
        """By sample: the clean showing, then one twin for each transform that it bears."""
        views: dict[str, list[View]] = {}
        for _, pairs in sorted(self.cells.items()):
            for pair in pairs:
                views.setdefault(pair.sample.sample_id, [CLEAN]).append(pair.view)
        return views


@dataclass(frozen=True)
class PairChooser:
    """Chooses pairs: for each task and transform the first samples that bear it."""

    workspace: Workspace
    maker: TwinMaker
    steps: tuple[Step, ...]
    """Transforms, with the strengths that are asked for where the table allows more."""
    pairs: int
    """Most pairs for each task and transform."""

    @property
    def identity(self) -> Json:
        """What decides the twins, for the id of a job."""
        steps: Json = [
            [step.transform, {key: list(limits) for key, limits in step.limits.items()}]
            for step in self.steps
        ]
        return [steps, self.maker.seed, sorted(self.maker.allowed)]

    def choose(self, sample_ids: Sequence[str], progress: Progress = silent) -> Pairs:
        """Make twins, task by task, until there are enough or none are left to look at."""
        chosen, tasks = Pairs(), self._tasks(sample_ids)
        for number, ids in enumerate(tasks):
            progress("tasks looked at", number, len(tasks))
            self._fill(chosen, ids)
        progress("tasks looked at", len(tasks), len(tasks))
        return chosen

    def _tasks(self, sample_ids: Sequence[str]) -> list[list[str]]:
        """Group the originals by task, each in an order of their own, as far as is looked."""
        query = "select sample_id, task from samples where history is null order by task, sample_id"
        wanted, by_task = set(sample_ids), defaultdict[str, list[str]](list)
        for row in self.workspace.catalog.rows(query):
            if row["sample_id"] in wanted:
                by_task[row["task"]].append(row["sample_id"])
        return [sorted(ids, key=_place)[: LOOKED_AT * self.pairs] for ids in by_task.values()]

    def _fill(self, chosen: Pairs, ids: Sequence[str]) -> None:
        """Go through one task's samples until each transform has its pairs."""
        rest = iter(ids)
        while chunk := list(islice(rest, CHUNK)):
            samples = load_samples(self.workspace.catalog, chunk)
            sizes = sizes_of(self.workspace, samples)
            for sample in samples:
                for step in self._wanting(chosen, sample):
                    self._add(chosen, sample, step, sizes)
            if not any(self._wanting(chosen, sample) for sample in samples):
                return

    def _wanting(self, chosen: Pairs, sample: Sample) -> list[Step]:
        """Give the transforms that concern a sample and lack pairs in its task."""
        return [
            step
            for step in self.steps
            if concerns(step.transform, sample)
            and len(chosen.cells[sample.task, step.transform]) < self.pairs
        ]

    def _add(self, chosen: Pairs, sample: Sample, step: Step, sizes: Sizes) -> None:
        cell = sample.task, step.transform
        try:
            chosen.cells[cell].append(Pair(sample, self.maker.showing(sample, step, sizes)))
        except CannotTwin as refused:
            chosen.forbidden[cell][refused.reason] += 1


@dataclass(frozen=True)
class TwinProbe:
    """Asks about samples as they are and about their twins, each equally often."""

    chosen: Mapping[str, Sequence[View]]
    """By sample, what is asked."""
    identity: Json
    """What decides its views, for the id of a job."""

    @property
    def purpose(self) -> str:
        """Under which purpose its answers are stored."""
        return PURPOSE

    def views(self, sample: Sample) -> list[View]:
        """Give the clean showing and the twins. Raises CannotProbe when nothing is allowed."""
        if sample.sample_id not in self.chosen:
            raise CannotProbe("no_twin")
        return list(self.chosen[sample.sample_id])


def _place(sample_id: str) -> str:
    """Where a sample stands among those of its task; it hangs on nothing but itself."""
    return content_hash([PURPOSE, sample_id])
