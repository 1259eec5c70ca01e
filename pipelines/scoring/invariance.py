"""Does the right answer survive? One policy is asked about samples and about their twins.

A twin has one transform, as strong as the label table allows. What loses more than a margin is
blocked. What a policy cannot answer anyhow proves nothing, which the control shows: the same answers
to the same twins, graded against the answers of other samples, must come out worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pipelines.scoring.ask import Asker
from pipelines.scoring.blocks import MARGIN
from pipelines.scoring.budget import Budget
from pipelines.scoring.paired import pairs_before
from pipelines.scoring.probe import ProbeJob
from pipelines.scoring.twin_answers import Rates, answers_of, control_lost, lost, rates_of
from pipelines.scoring.twins import Cell, Pair, PairChooser, Pairs, TwinProbe
from pipelines.workspace import Progress, silent

Outcome = Literal["keeps", "loses", "undecided", "no control", "unasked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a transform does to the answers of a task."""

    task: str
    transform: str
    pairs: int
    """Samples that were answered both as they are and transformed."""
    verdict: Outcome
    """`keeps`: it loses less than the margin; `loses`: more; `no control`: the policy is no better
    against the right answers than against those of other samples, so it can show nothing."""
    clean_rate: float | None = None
    twin_rate: float | None = None
    difference: float | None = None
    """Twins less clean: below 0, the transform costs right answers."""
    low: float | None = None
    high: float | None = None
    """The difference with 95% confidence."""
    control_rate: float | None = None
    """Twins graded against the answers of other samples of the task."""
    needed: int | None = None
    """Pairs that would tell, if what was found stays so; None where no sensible number would."""
    overridden: bool = False
    """The label table forbids this, or allows it otherwise, and was overridden."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """What the label table forbids, so that nobody is asked about it."""

    task: str
    transform: str
    samples: int
    reason: str
    """The most frequent one."""


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """What an audit asked and what came out."""

    job: str
    policy: str
    margin: float
    """In points."""
    findings: tuple[Finding, ...]
    forbidden: tuple[Forbidden, ...]
    rollouts: int
    """Asked by this call; none when everything was asked before."""
    completion_tokens: int
    open_samples: int
    """Those that lack answers still; some are left only where a budget ran out."""
    stopped_by: str
    """The budget that ran out, `rollouts` or `tokens`; empty when the work is done."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A task and a transform that would be audited."""

    task: str
    transform: str
    pairs: int


@dataclass(frozen=True, slots=True)
class AuditEstimate:
    """What an audit would cost, and whether it could tell, before anything is asked."""

    margin: float
    """In points."""
    answers: int
    cells: tuple[Planned, ...]
    forbidden: tuple[Forbidden, ...]
    samples: int
    rollouts: int
    most_tokens: int
    pairs_needed: int | None
    """Pairs for this margin at worst: every answer a coin's toss."""


@dataclass(frozen=True)
class InvarianceAudit:
    """One policy asked about samples and their twins, equally often."""

    asker: Asker
    chooser: PairChooser
    answers: int = 4
    """To each sample, and to each twin."""
    margin: float = MARGIN
    """Points that a transform may cost."""
    seed: int = 0
    batch: int = 64
    """Prompts per unit of work."""

    def run(
        self,
        sample_ids: Sequence[str],
        progress: Progress = silent,
        budget: Budget | None = None,
    ) -> AuditSummary:
        """Ask what is missing and judge; the same call after a kill, or a new budget, goes on."""
        pairs = self.chooser.choose(sample_ids, progress)
        job, ids = self._job(pairs)
        done = job.run(ids, progress, budget)
        return AuditSummary(
            job=done.job,
            policy=self.asker.policy.name,
            margin=self.margin,
            findings=self._findings(pairs),
            forbidden=_forbidden(pairs),
            rollouts=done.rollouts,
            completion_tokens=done.completion_tokens,
            open_samples=done.open_samples,
            stopped_by=done.stopped_by,
        )

    def estimate(self, sample_ids: Sequence[str], progress: Progress = silent) -> AuditEstimate:
        """Say what `run` would ask, without asking."""
        pairs = self.chooser.choose(sample_ids, progress)
        job, ids = self._job(pairs)
        cost = job.estimate(ids)
        cells = sorted((cell, len(chosen)) for cell, chosen in pairs.cells.items() if chosen)
        return AuditEstimate(
            margin=self.margin,
            answers=self.answers,
            cells=tuple(Planned(*cell, count) for cell, count in cells),
            forbidden=_forbidden(pairs),
            samples=cost.samples,
            rollouts=cost.rollouts,
            most_tokens=cost.most_tokens,
            pairs_needed=pairs_before(self.margin / 100, self.answers),
        )

    def _job(self, pairs: Pairs) -> tuple[ProbeJob, list[str]]:
        views = pairs.views()
        probe = TwinProbe(views, self.chooser.identity)
        catalog = self.chooser.workspace.catalog
        job = ProbeJob(catalog, self.asker, probe, self.answers, self.seed, self.batch)
        return job, list(views)

    def _findings(self, pairs: Pairs) -> tuple[Finding, ...]:
        given = answers_of(self.chooser.workspace.catalog, self.asker, pairs)
        return tuple(
            _finding(cell, chosen, rates_of(self.asker, given, chosen), self.margin / 100)
            for cell, chosen in sorted(pairs.cells.items())
            if chosen
        )


def _finding(cell: Cell, pairs: Sequence[Pair], rates: Sequence[Rates], margin: float) -> Finding:
    task, transform = cell
    overridden = any(pair.overridden for pair in pairs)
    if not rates:
        return Finding(task, transform, 0, "unasked", overridden=overridden)
    found, controls = lost(rates), [r.control for r in rates if r.control is not None]
    verdict = _verdict(rates, margin)
    low, high = found.interval
    return Finding(
        task,
        transform,
        found.pairs,
        verdict,
        clean_rate=fmean(one.clean for one in rates),
        twin_rate=fmean(one.twin for one in rates),
        difference=found.difference,
        low=low,
        high=high,
        control_rate=fmean(controls) if controls else None,
        needed=found.needed(margin) if verdict == "undecided" else None,
        overridden=overridden,
    )


def _verdict(rates: Sequence[Rates], margin: float) -> Outcome:
    """Judge the loss; that nothing is lost counts only where the control shows a loss."""
    verdict = lost(rates).verdict(margin)
    if verdict == "keeps" and control_lost(rates).verdict(margin) != "loses":
        return "no control"
    return verdict


def _forbidden(pairs: Pairs) -> tuple[Forbidden, ...]:
    """Give what no sample of a task bears; where some bear it, those are audited."""
    return tuple(
        Forbidden(*cell, reasons.total(), reasons.most_common(1)[0][0])
        for cell, reasons in sorted(pairs.forbidden.items())
        if not pairs.cells[cell]
    )
