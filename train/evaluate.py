"""Sampled accuracy on held-out samples, asked once and read back ever after.

Every answer is a rollout with purpose `eval`; the figures are a query over them. The interval is
a cluster bootstrap over samples (95%): answers to one question are not independent.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pipelines.catalog import Catalog, ledger
from pipelines.catalog.evidence import Rollout
from pipelines.catalog.guarded import BadQuery, guarded
from pipelines.catalog.ledger import Unit
from pipelines.catalog.samples import load_samples
from pipelines.policies.policy import Policy, Sampling
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Sample
from pipelines.rewards import BY_KIND, Grading
from pipelines.scoring.ask import Asker
from pipelines.scoring.units import ask_unit
from pipelines.workspace import Progress, Workspace, WrongUse, silent

BATCH = 64
"""Samples per unit of work."""
RESAMPLES = 2000

_COUNTS = """
select sample_id, any_value(s.task) as task, count(*)::integer as asked,
    count(g.correct)::integer as n, count(*) filter (g.correct)::integer as successes
from graded g join samples s using (sample_id)
where g.purpose = 'eval' and g.origin = ?
group by sample_id order by sample_id
"""
_HELD_OUT = """
select sample_id from (from candidates where split = 'test' and not is_view and not conflicting)
where (
{where}
) order by md5(sample_id || '{seed}'), sample_id limit {limit}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How often a policy is right on held-out samples."""

    job: str
    """Origin of its rollouts in the catalog."""
    policy_id: str
    accuracy: float
    low: float
    high: float
    """95% cluster bootstrap over samples."""
    samples: int
    answers: int
    """Graded answers; unscored ones count neither as right nor as wrong."""
    unscored: int
    by_task: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that decides an evaluation, but the answers."""

    policy_id: str
    template: PromptTemplate
    sampling: Sampling
    sample_ids: tuple[str, ...]
    n: int
    seed: int
    reward_ids: tuple[str, ...] = ()
    """Who grades the answers."""
    origin: str = ""
    """Sets evaluations apart that are otherwise equal; empty lets them share their answers."""

    @property
    def job(self) -> str:
        """Deterministic: the same policy asked the same way about the same samples."""
        how = [self.policy_id, self.template.template_id, self.sampling.sampling_id]
        return content_hash(
            [
                "evaluate",
                how,
                self.sample_ids,
                self.n,
                self.seed,
                self.reward_ids,
                self.origin,
                BATCH,
            ]
        )

    def units(self) -> list[Unit]:
        """Cut the samples into units of work."""
        starts = range(0, len(self.sample_ids), BATCH)
        return [self._unit(batch, start) for batch, start in enumerate(starts)]

    def _unit(self, batch: int, start: int) -> Unit:
        seed = int(content_hash([self.job, batch])[:8], 16)
        ids = list(self.sample_ids[start : start + BATCH])
        inputs: Json = {"samples": ids, "n": self.n, "seed": seed}
        return Unit(job=self.job, kind="evaluate", round=0, batch=batch, inputs=inputs)


def held_out(workspace: Workspace, where: str, limit: int, seed: int) -> list[Sample]:
    """Pick test samples that satisfy a condition on `candidates`, the same ones for a seed.

    Views are left out, and questions with rival answers. Raises WrongUse when the condition is wrong.
    """
    query = _HELD_OUT.format(where=where or "true", seed=int(seed), limit=int(limit))
    try:
        table = guarded(workspace.catalog, query)
    except BadQuery as error:
        raise WrongUse(f"held-out samples where {where!r}: {error}") from error
    return load_samples(workspace.catalog, table["sample_id"].to_pylist())


def evaluate(
    workspace: Workspace,
    policy: Policy,
    samples: Sequence[Sample],
    template: PromptTemplate,
    sampling: Sampling,
    *,
    n: int,
    seed: int,
    origin: str = "",
    grading: Grading = BY_KIND,
    progress: Progress = silent,
) -> Evaluation:
    """Ask for `n` answers to each sample, unless this was asked before, and count the right ones.

    Killed at any moment, the same call goes on where it stopped.
    """
    ids = tuple(sorted(sample.sample_id for sample in samples))
    question = Question(
        policy_id=policy.policy_id,
        template=template,
        sampling=sampling,
        sample_ids=ids,
        n=n,
        seed=seed,
        reward_ids=grading.reward_ids(sample.reference for sample in samples),
        origin=origin,
    )
    asker = Asker(policy, template, sampling, workspace.media.read, grading)
    catalog, known = workspace.catalog, {sample.sample_id: sample for sample in samples}
    with catalog.write() as connection:
        asker.introduce(connection)
        ledger.plan(connection, question.units())
    for unit in ledger.pending(catalog, question.job):
        ask_unit(catalog, unit, partial(_ask, asker, unit, known))
        progress("evaluation", min((unit.batch + 1) * BATCH, len(ids)), len(ids))
    return read_back(catalog, question)


def recall(catalog: Catalog, question: Question) -> Evaluation | None:
    """Give an evaluation that was made before; None when it was not, or not to its end."""
    rows = catalog.rows(
        "select count(*) as n from units where job = ? and status = 'done'", question.job
    )
    return read_back(catalog, question) if rows[0]["n"] == len(question.units()) else None


def read_back(catalog: Catalog, question: Question) -> Evaluation:
    """Count the answers that are in the catalog."""
    rows = catalog.rows(_COUNTS, question.job)
    n = np.array([row["n"] for row in rows], np.int64)
    right = np.array([row["successes"] for row in rows], np.int64)
    low, high = bootstrap(right, n)
    return Evaluation(
        job=question.job,
        policy_id=question.policy_id,
        accuracy=_share(right.sum(), n.sum()),
        low=low,
        high=high,
        samples=len(rows),
        answers=int(n.sum()),
        unscored=sum(row["asked"] for row in rows) - int(n.sum()),
        by_task=_by_task(rows),
    )


def bootstrap(
    right: "np.ndarray[Any, np.dtype[np.int64]]", n: "np.ndarray[Any, np.dtype[np.int64]]"
) -> tuple[float, float]:
    """The 95% interval of accuracy when samples, with all their answers, are drawn anew."""
    if not n.sum():
        return 0.0, 1.0
    # How often each sample is drawn, times what it holds: no resample is ever built.
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(n), np.full(len(n), 1 / len(n)), size=RESAMPLES)
    shares = (drawn @ right) / np.maximum(drawn @ n, 1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _ask(asker: Asker, unit: Unit, known: dict[str, Sample]) -> Iterator[Rollout]:
    inputs: Any = unit.inputs
    samples = [known[sample_id] for sample_id in inputs["samples"]]
    answers = asker.ask(samples, inputs["n"], inputs["seed"])
    for sample, graded in zip(samples, answers, strict=True):
        for k, (completion, score) in enumerate(graded):
            yield asker.rollout(
                sample,
                completion,
                score,
                purpose="eval",
                origin=unit.job,
                round=0,
                k=k,
                seed=inputs["seed"],
            )


def _by_task(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        counts[row["task"]][0] += row["successes"]
        counts[row["task"]][1] += row["n"]
    return {task: _share(right, n) for task, (right, n) in sorted(counts.items())}


def _share(right: int, n: int) -> float:
    return float(right / n) if n else 0.0
