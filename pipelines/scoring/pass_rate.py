"""Adaptive pass rate: ask in blocks until the posterior has decided the band, or the cap.

A job goes in rounds. A round plans one unit per batch of undecided samples before anything is
asked, then runs and commits them one by one; killed at any moment, the same job goes on with
the units that were planned and not committed, with the same batches and seeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.catalog import ledger
from pipelines.catalog.catalog import Catalog
from pipelines.catalog.evidence import Rollout
from pipelines.catalog.ledger import Unit
from pipelines.catalog.samples import load_samples
from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Sample
from pipelines.scoring.ask import Asker
from pipelines.scoring.budget import Budget
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.priors import priors_by_kind
from pipelines.scoring.regrade import register_rewards, regrade
from pipelines.scoring.tally import Tally
from pipelines.scoring.units import ask_unit, planned_answers
from pipelines.workspace import Progress, silent

COUNTS = """
with answers as (
    select r.sample_id, r.origin, g.correct
    from rollout_status r
    join samples s using (sample_id)
    join current_rewards c using (answer_kind)
    left join grades g on g.rollout_id = r.rollout_id and g.reward_id = c.reward_id
    where r.sample_id in (from wanted_ids) and r.purpose = 'score' and not r.superseded
        and r.policy_id = $policy and r.template_id = $template and r.sampling_id = $sampling
)
select s.sample_id, s.guess_rate, s.corpus, s.task,
    count(a.sample_id)::integer as asked,
    count(a.correct)::integer as n,
    count(*) filter (a.correct)::integer as successes,
    count(*) filter (a.origin = $job)::integer as of_job
from samples s left join answers a using (sample_id)
where s.sample_id in (from wanted_ids)
group by all order by s.sample_id
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What has been asked so far: one element per sample, in the order of the ids."""

    sample_ids: list[str]
    tally: Tally
    asked: NDArray[np.int64]
    """Answers asked for, those that could not be graded included."""
    of_job: NDArray[np.int64]
    """Those of them that this job asked for."""


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What a scoring run did, and how hard the samples are as far as anybody knows."""

    job: str
    samples: int
    rollouts: int
    """Asked by this call; none when everything was decided before."""
    completion_tokens: int
    in_band: int
    """Samples whose pass rate is more probably in the band than not."""
    too_hard: int
    too_easy: int
    unanswered: int
    """Samples without one graded answer."""
    undecided: int
    """Samples that the rule would ask on; some are left only where a budget ran out."""
    stopped_by: str
    """The budget that ran out, `rollouts` or `tokens`; empty when the work is done."""


@dataclass(frozen=True)
class PassRateJob:
    """One policy asked about some samples until every band is decided."""

    catalog: Catalog
    asker: Asker
    rule: StoppingRule
    seed: int = 0
    batch: int = 64
    """Samples per unit of work."""

    @property
    def job(self) -> str:
        """Deterministic: who is asked, how, and with which rule and seed."""
        rule = {name: str(value) for name, value in self.rule.model_dump().items()}
        return content_hash(["score", self.asker.identity, rule, self.seed, self.batch])

    def run(
        self,
        sample_ids: Sequence[str],
        progress: Progress = silent,
        budget: Budget | None = None,
    ) -> ScoreSummary:
        """Ask until every sample is decided; what is decided already is not asked again.

        A budget that runs out stops it between two units; the same job again goes on from there.
        """
        ids, budget = sorted(set(sample_ids)), budget or Budget()
        with self.catalog.write() as connection:
            self.asker.introduce(connection)
        regrade(self.catalog, self.asker, ids)
        rollouts = tokens = 0
        stopped_by = ""
        units = ledger.pending(self.catalog, self.job) or self._plan_round(ids, budget, progress)
        while units:
            for unit in units:
                if stopped_by := budget.exhausted_by(planned_answers(unit)):
                    break
                answered = self._run_unit(unit)
                spent = sum(rollout.completion_tokens or 0 for rollout in answered)
                budget.spend(len(answered), spent)
                rollouts, tokens = rollouts + len(answered), tokens + spent
                progress("rollouts", rollouts, None)
            units = [] if stopped_by else self._plan_round(ids, budget, progress)
        stopped_by = stopped_by or budget.exhausted_by(self.rule.block)
        return self._summary(ids, rollouts, tokens, stopped_by)

    def open_samples(self, sample_ids: Sequence[str]) -> int:
        """How many of these samples are still to be asked."""
        counts = self.counts(sorted(set(sample_ids)))
        return int(self._undecided(counts).sum())

    def counts(self, ids: Sequence[str]) -> Counts:
        """Count the evidence on each sample, from whichever job it came."""
        with self.catalog.read() as connection:
            register_rewards(connection, self.asker.grading)
            connection.register("wanted_ids", pa.table({"sample_id": pa.array(ids, pa.string())}))
            parameters = self.asker.asked | {"job": self.job}
            table = connection.execute(COUNTS, parameters).to_arrow_table()
        column = {
            name: table[name].to_numpy()
            for name in ("guess_rate", "asked", "n", "successes", "of_job")
        }
        tally = Tally.of(column["n"], column["successes"], column["guess_rate"])
        if self.rule.prior == "empirical":
            corpora, tasks = table["corpus"].to_pylist(), table["task"].to_pylist()
            a, b = priors_by_kind(corpora, tasks, tally.n, tally.successes)
            tally = replace(tally, a=a, b=b)
        return Counts(table["sample_id"].to_pylist(), tally, column["asked"], column["of_job"])

    def _undecided(self, counts: Counts) -> NDArray[np.bool_]:
        # Unscored answers count towards the cap: a grader that fails must not be asked for ever.
        return self.rule.undecided(counts.tally) & (counts.asked < self.rule.cap)

    def _plan_round(self, ids: Sequence[str], budget: Budget, progress: Progress) -> list[Unit]:
        """Plan units for the undecided samples, as many of them as the budget pays for."""
        counts = self.counts(ids)
        open_ = np.flatnonzero(self._undecided(counts))
        progress("samples decided", len(ids) - len(open_), len(ids))
        # What is counted is not spent on keeping the policy busy.
        sharing = len(open_) if budget.rollouts is None else 0
        blocks = self.rule.next_block(counts.asked, sharing)
        # One n per unit, so that a batch is one call to the policy.
        by_block = sorted(open_.tolist(), key=lambda i: (int(blocks[i]), counts.sample_ids[i]))
        if budget.rollouts is not None:
            paid = np.cumsum(blocks[by_block]) <= budget.rollouts
            by_block = by_block[: int(paid.sum())]
        units = self._units(counts, by_block, blocks) if budget.allows(1) else []
        with self.catalog.write() as connection:
            ledger.plan(connection, units)
        return units

    def _units(self, counts: Counts, by_block: list[int], blocks: NDArray[np.int64]) -> list[Unit]:
        number = ledger.next_round(self.catalog, self.job)
        units: list[Unit] = []
        for n, group in groupby(by_block, key=lambda i: int(blocks[i])):
            for chunk in _chunks(list(group), self.batch):
                batch = len(units)
                inputs: Json = {
                    "samples": [counts.sample_ids[i] for i in chunk],
                    "first_k": [int(counts.of_job[i]) for i in chunk],
                    "n": n,
                    "seed": _seed(self.job, number, batch),
                }
                units.append(
                    Unit(job=self.job, kind="score", round=number, batch=batch, inputs=inputs)
                )
        return units

    def _run_unit(self, unit: Unit) -> list[Rollout]:
        inputs: Any = unit.inputs
        samples = load_samples(self.catalog, inputs["samples"])
        return ask_unit(self.catalog, unit, lambda: self._ask(unit, inputs, samples))

    def _ask(self, unit: Unit, inputs: Any, samples: list[Sample]) -> Iterator[Rollout]:
        answers = self.asker.ask(samples, inputs["n"], inputs["seed"])
        for sample, first_k, graded in zip(samples, inputs["first_k"], answers, strict=True):
            for i, (completion, score) in enumerate(graded):
                yield self.asker.rollout(
                    sample,
                    completion,
                    score,
                    purpose="score",
                    origin=self.job,
                    round=unit.round,
                    k=first_k + i,
                    seed=inputs["seed"],
                )

    def _summary(
        self, ids: Sequence[str], rollouts: int, tokens: int, stopped_by: str
    ) -> ScoreSummary:
        counts = self.counts(ids)
        undecided = int(self._undecided(counts).sum())
        below, above = counts.tally.tails(self.rule.low, self.rule.high)
        answered = counts.tally.n > 0
        outside = answered & (below + above > 0.5)
        return ScoreSummary(
            job=self.job,
            samples=len(ids),
            rollouts=rollouts,
            completion_tokens=tokens,
            in_band=int((answered & ~outside).sum()),
            too_hard=int((outside & (below > above)).sum()),
            too_easy=int((outside & (below <= above)).sum()),
            unanswered=int((~answered).sum()),
            undecided=undecided,
            stopped_by=stopped_by if undecided else "",
        )


def _chunks(items: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _seed(job: str, round_: int, batch: int) -> int:
    return int(content_hash([job, round_, batch])[:8], 16)
