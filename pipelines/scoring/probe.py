"""Probes: a fixed number of answers to each sample under a changed showing of it.

What they find never mixes into `difficulty`: it is stored under its own purpose, with the view
that was shown. A unit of work is a batch of (sample, view) pairs, planned before it is asked and
committed once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from pipelines.catalog import ledger
from pipelines.catalog.catalog import Catalog
from pipelines.catalog.evidence import Rollout
from pipelines.catalog.ledger import Unit
from pipelines.catalog.samples import load_samples
from pipelines.policies.showing import View, as_shown, render_view
from pipelines.record.canonical import Json, canonical_json, content_hash
from pipelines.record.sample import Sample
from pipelines.scoring.ask import Asker
from pipelines.scoring.budget import Budget
from pipelines.scoring.probe_views import CannotProbe, Probe
from pipelines.scoring.units import ask_unit, planned_answers
from pipelines.workspace import Progress, silent

CHUNK = 1000
"""Samples looked at together when work is planned."""

ASKED = """
select sample_id, view::varchar as view, count(*)::integer as asked,
    count(*) filter (origin = $job)::integer as of_job
from rollout_status
where sample_id in (from wanted_ids) and purpose = $purpose and not superseded
    and policy_id = $policy and template_id = $template and sampling_id = $sampling
group by all
"""
RATES = """
with rates as (
    select sample_id, purpose = $purpose as probed, avg(correct::integer) as rate
    from graded
    where sample_id in (from wanted_ids) and correct is not null
        and (purpose = 'score' or (purpose = $purpose and view::varchar in (from wanted_views)))
        and policy_id = $policy and template_id = $template and sampling_id = $sampling
    group by all
)
select count(*)::integer, avg(p.rate), avg(s.rate)
from rates p join rates s using (sample_id) where p.probed and not s.probed
"""


@dataclass(frozen=True, slots=True)
class ProbeEstimate:
    """What a probe would cost, before anything is asked."""

    samples: int
    skipped: dict[str, int]
    """Samples about which there is nothing to ask, by reason."""
    open_samples: int
    """Those that lack answers still."""
    rollouts: int
    most_tokens: int


@dataclass(frozen=True, slots=True)
class ProbeSummary:
    """What a probe did, and what it says of the samples beside plain asking."""

    job: str
    purpose: str
    samples: int
    skipped: dict[str, int]
    """Samples about which there is nothing to ask, by reason."""
    rollouts: int
    """Asked by this call; none when everything was asked before."""
    completion_tokens: int
    compared: int
    """Samples with answers both under the probe and asked plainly."""
    probed_rate: float | None
    """Mean pass rate of those under the probe."""
    plain_rate: float | None
    """Mean pass rate of the same samples, asked plainly."""
    open_samples: int
    """Those that lack answers still; some are left only where a budget ran out."""
    stopped_by: str
    """The budget that ran out, `rollouts` or `tokens`; empty when the work is done."""


@dataclass(frozen=True, slots=True)
class _Missing:
    """Answers that one sample lacks under one view."""

    sample_id: str
    view: View
    answers: int
    first_k: int


@dataclass(frozen=True, slots=True)
class _Work:
    """What there is to ask, and where there is nothing."""

    missing: list[_Missing]
    skipped: Counter[str]
    views: set[str]

    @property
    def open_samples(self) -> int:
        return len({one.sample_id for one in self.missing})

    @property
    def rollouts(self) -> int:
        return sum(one.answers for one in self.missing)


@dataclass(frozen=True)
class ProbeJob:
    """One policy asked about some samples as a probe shows them."""

    catalog: Catalog
    asker: Asker
    probe: Probe
    n: int = 4
    """Answers to each sample under each view."""
    seed: int = 0
    batch: int = 64
    """Prompts per unit of work."""

    @property
    def job(self) -> str:
        """Deterministic: who is asked, how, what is shown, how often and with which seed."""
        asked: list[Json] = [self.probe.purpose, self.probe.identity, self.asker.identity]
        return content_hash([*asked, self.n, self.seed, self.batch])

    def run(
        self,
        sample_ids: Sequence[str],
        progress: Progress = silent,
        budget: Budget | None = None,
    ) -> ProbeSummary:
        """Ask what is missing; the same call after a kill, or with a new budget, goes on."""
        ids, budget = sorted(set(sample_ids)), budget or Budget()
        with self.catalog.write() as connection:
            self.asker.introduce(connection)
        done: list[Rollout] = []
        stopped_by = self._finish(ledger.pending(self.catalog, self.job), budget, done, progress)
        if not stopped_by:
            units = self._plan(self._work(ids).missing, budget)
            stopped_by = self._finish(units, budget, done, progress)
        return self._summary(ids, done, budget, stopped_by)

    def estimate(self, sample_ids: Sequence[str]) -> ProbeEstimate:
        """Say what `run` would ask, without asking."""
        ids = sorted(set(sample_ids))
        work = self._work(ids)
        return ProbeEstimate(
            samples=len(ids),
            skipped=dict(work.skipped.most_common()),
            open_samples=work.open_samples,
            rollouts=work.rollouts,
            most_tokens=work.rollouts * self.asker.sampling.max_tokens,
        )

    def _work(self, ids: Sequence[str]) -> _Work:
        """Compare what is to be asked with what was, by whichever job."""
        work = _Work([], Counter(), set())
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            asked, of_job = self._asked(chunk)
            for sample in load_samples(self.catalog, chunk):
                try:
                    views = self.probe.views(sample)
                except CannotProbe as nothing:
                    work.skipped[nothing.reason] += 1
                    continue
                key, first_k = sample.sample_id, of_job[sample.sample_id]
                for view in views:
                    shown = canonical_json(view)
                    work.views.add(shown)
                    # Unscored answers count: a grader that fails must not be asked for ever.
                    if (lacking := self.n - asked[key, shown]) > 0:
                        work.missing.append(_Missing(key, view, lacking, first_k))
                        first_k += lacking
        return work

    def _asked(self, ids: Sequence[str]) -> tuple[Counter[tuple[str, str]], Counter[str]]:
        """Count the answers by sample and view, and those of this job by sample."""
        with self.catalog.read() as connection:
            connection.register("wanted_ids", pa.table({"sample_id": pa.array(ids, pa.string())}))
            parameters = self.asker.asked | {"job": self.job, "purpose": self.probe.purpose}
            rows = connection.execute(ASKED, parameters).fetchall()
        asked, of_job = Counter[tuple[str, str]](), Counter[str]()
        for sample_id, view, count, own in rows:
            asked[sample_id, view] += count
            of_job[sample_id] += own
        return asked, of_job

    def _plan(self, missing: Sequence[_Missing], budget: Budget) -> list[Unit]:
        """Plan units for what is missing, as much of it as the budget pays for."""
        number, units = ledger.next_round(self.catalog, self.job), list[Unit]()
        # One n per unit, so that a batch is one call to the policy.
        paid = sorted(_paid(missing, budget), key=lambda one: one.answers)
        for n, group in groupby(paid, key=lambda one: one.answers):
            members = list(group)
            for start in range(0, len(members), self.batch):
                chunk, batch = members[start : start + self.batch], len(units)
                inputs: Json = {
                    "samples": [one.sample_id for one in chunk],
                    "views": [one.view for one in chunk],
                    "first_k": [one.first_k for one in chunk],
                    "n": n,
                    "seed": int(content_hash([self.job, number, batch])[:8], 16),
                }
                kind = self.probe.purpose
                units.append(
                    Unit(job=self.job, kind=kind, round=number, batch=batch, inputs=inputs)
                )
        with self.catalog.write() as connection:
            ledger.plan(connection, units)
        return units

    def _finish(
        self, units: Sequence[Unit], budget: Budget, done: list[Rollout], progress: Progress
    ) -> str:
        """Run units one by one into `done`; name the budget that ran out, if one did."""
        for unit in units:
            if stopped_by := budget.exhausted_by(planned_answers(unit)):
                return stopped_by
            answered = self._run_unit(unit)
            budget.spend(len(answered), _tokens(answered))
            done += answered
            progress("rollouts", len(done), None)
        return ""

    def _run_unit(self, unit: Unit) -> list[Rollout]:
        inputs: Any = unit.inputs
        samples = load_samples(self.catalog, inputs["samples"])
        return ask_unit(self.catalog, unit, lambda: self._ask(unit, inputs, samples))

    def _ask(self, unit: Unit, inputs: Any, samples: Sequence[Sample]) -> Iterator[Rollout]:
        """Ask what a unit plans; what is right under a view is graded by it, not by the sample."""
        asker, views = self.asker, inputs["views"]
        shown = [as_shown(sample, view) for sample, view in zip(samples, views, strict=True)]
        requests = [
            render_view(sample, view, asker.template, asker.read, asker.policy.takes, n=inputs["n"])
            for sample, view in zip(samples, views, strict=True)
        ]
        answers = asker.answers(shown, requests, inputs["seed"])
        rows = zip(samples, views, inputs["first_k"], answers, strict=True)
        for sample, view, first_k, graded in rows:
            for i, (completion, score) in enumerate(graded):
                yield asker.rollout(
                    sample,
                    completion,
                    score,
                    purpose=self.probe.purpose,
                    origin=self.job,
                    round=unit.round,
                    k=first_k + i,
                    seed=inputs["seed"],
                    view=view,
                )

    def _summary(
        self, ids: Sequence[str], done: Sequence[Rollout], budget: Budget, stopped_by: str
    ) -> ProbeSummary:
        work = self._work(ids)
        for one in work.missing[:1]:
            stopped_by = stopped_by or budget.exhausted_by(one.answers)
        compared, probed, plain = self._rates(ids, work.views)
        return ProbeSummary(
            job=self.job,
            purpose=self.probe.purpose,
            samples=len(ids),
            skipped=dict(work.skipped.most_common()),
            rollouts=len(done),
            completion_tokens=_tokens(done),
            compared=compared,
            probed_rate=probed,
            plain_rate=plain,
            open_samples=work.open_samples,
            stopped_by=stopped_by if work.missing else "",
        )

    def _rates(self, ids: Sequence[str], views: set[str]) -> tuple[int, float | None, float | None]:
        with self.catalog.read() as connection:
            connection.register("wanted_ids", pa.table({"sample_id": pa.array(ids, pa.string())}))
            connection.register("wanted_views", pa.table({"view": pa.array(views, pa.string())}))
            parameters = self.asker.asked | {"purpose": self.probe.purpose}
            row = connection.execute(RATES, parameters).fetchone()
        return row or (0, None, None)


def _paid(missing: Sequence[_Missing], budget: Budget) -> Iterator[_Missing]:
    left = budget.rollouts
    for one in missing if budget.allows(1) else ():
        if left is not None and (left := left - one.answers) < 0:
            return
        yield one


def _tokens(rollouts: Sequence[Rollout]) -> int:
    return sum(rollout.completion_tokens or 0 for rollout in rollouts)
