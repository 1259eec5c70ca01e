"""Sampled accuracy on a set of samples, asked once and read back ever after.

Every answer is a rollout with purpose `eval`; the figures are a query over them. Intervals are
cluster bootstraps over samples (95%): answers to one question are not independent.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pipelines.catalog import Catalog, ledger
from pipelines.catalog.evidence import Rollout
from pipelines.catalog.ledger import Unit
from pipelines.policies.policy import Policy, Sampling
from pipelines.policies.showing import View, as_shown, render_view
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Sample
from pipelines.rewards import BY_KIND, Grading
from pipelines.scoring.ask import Asker
from pipelines.scoring.units import ask_unit
from pipelines.workspace import Progress, Workspace, silent
from train.evaluation.intervals import FEWEST, bootstrap
from train.evaluation.sets import MeasuredSet
from train.evaluation.settings import HELD_OUT

BATCH = 64
"""Samples per unit of work."""

_COUNTS = """
select sample_id, any_value(s.task) as task, count(*)::integer as asked,
    count(g.correct)::integer as n, count(*) filter (g.correct)::integer as successes
from graded g join samples s using (sample_id)
where g.purpose = 'eval' and g.origin = ?
group by sample_id order by sample_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How often a policy is right on a set of samples."""

    set_name: str = HELD_OUT
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
    intervals_by_task: dict[str, tuple[float, float] | None]
    """None where a task has too few samples for one."""


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
    set_name: str = HELD_OUT
    views: tuple[View | None, ...] = ()
    """How each sample is shown; empty: all as they are."""

    @classmethod
    def about(
        cls,
        chosen: MeasuredSet,
        policy_id: str,
        template: PromptTemplate,
        sampling: Sampling,
        *,
        n: int,
        seed: int,
        grading: Grading = BY_KIND,
        origin: str = "",
    ) -> "Question":
        """Put a set to a policy."""
        ids = tuple(sorted(sample.sample_id for sample in chosen.samples))
        return cls(
            policy_id=policy_id,
            template=template,
            sampling=sampling,
            sample_ids=ids,
            n=n,
            seed=seed,
            reward_ids=grading.reward_ids(sample.reference for sample in chosen.samples),
            origin=origin,
            set_name=chosen.name,
            views=tuple(chosen.views.get(key) for key in ids) if chosen.views else (),
        )

    @property
    def job(self) -> str:
        """Deterministic: the same policy asked the same way about the same samples."""
        how = [self.policy_id, self.template.template_id, self.sampling.sampling_id]
        asked: list[Json] = ["evaluate", how, self.sample_ids, self.n, self.seed, self.reward_ids]
        # A set is told apart by its name and views; what was asked before there were sets keeps
        # its id.
        if self.set_name != HELD_OUT:
            asked.append([self.set_name, [view and dict(view) for view in self.views]])
        return content_hash([*asked, self.origin, BATCH])

    def units(self) -> list[Unit]:
        """Cut the samples into units of work."""
        starts = range(0, len(self.sample_ids), BATCH)
        return [self._unit(batch, start) for batch, start in enumerate(starts)]

    def _unit(self, batch: int, start: int) -> Unit:
        seed = int(content_hash([self.job, batch])[:8], 16)
        part = slice(start, start + BATCH)
        inputs: dict[str, Json] = {
            "samples": list(self.sample_ids[part]),
            "n": self.n,
            "seed": seed,
            "set": self.set_name,
        }
        if self.views:
            inputs["views"] = [view and dict(view) for view in self.views[part]]
        return Unit(job=self.job, kind="evaluate", round=0, batch=batch, inputs=inputs)


def evaluate(
    workspace: Workspace,
    policy: Policy,
    samples: Sequence[Sample] | MeasuredSet,
    template: PromptTemplate,
    sampling: Sampling,
    *,
    n: int,
    seed: int,
    origin: str = "",
    grading: Grading = BY_KIND,
    step: int | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Ask for `n` answers to each sample, unless this was asked before, and count the right ones.

    Killed at any moment, the same call goes on where it stopped. `step` is written beside the
    answers of a policy that is being trained.
    """
    chosen = samples if isinstance(samples, MeasuredSet) else MeasuredSet(samples=samples)
    question = Question.about(
        *(chosen, policy.policy_id, template, sampling),
        n=n,
        seed=seed,
        grading=grading,
        origin=origin,
    )
    asker = Asker(policy, template, sampling, workspace.media.read, grading)
    catalog, known = workspace.catalog, {sample.sample_id: sample for sample in chosen.samples}
    with catalog.write() as connection:
        asker.introduce(connection)
        ledger.plan(connection, question.units())
    total = len(question.sample_ids)
    for unit in ledger.pending(catalog, question.job):
        ask_unit(catalog, unit, partial(_ask, asker, unit, known, step))
        progress(f"{chosen.name} samples", min((unit.batch + 1) * BATCH, total), total)
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
    return evaluation_of(rows, question.job, question.policy_id, question.set_name)


def evaluation_of(
    rows: Sequence[Mapping[str, Any]], job: str, policy_id: str, set_name: str
) -> Evaluation:
    """Sum up rows of `sample_id, task, asked, n, successes`."""
    by_task = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in rows:
        by_task[row["task"]].append(row)
    tasks = sorted(by_task.items())
    low, high = _interval(rows)
    graded = sum(row["n"] for row in rows)
    return Evaluation(
        set_name=set_name,
        job=job,
        policy_id=policy_id,
        accuracy=_share(rows),
        low=low,
        high=high,
        samples=len(rows),
        answers=graded,
        unscored=sum(row["asked"] for row in rows) - graded,
        by_task={task: _share(of_task) for task, of_task in tasks},
        intervals_by_task={
            task: _interval(of_task) if len(of_task) >= FEWEST else None for task, of_task in tasks
        },
    )


def _ask(
    asker: Asker, unit: Unit, known: Mapping[str, Sample], step: int | None
) -> Iterator[Rollout]:
    inputs: Any = unit.inputs
    samples = [known[sample_id] for sample_id in inputs["samples"]]
    views = inputs.get("views") or [None] * len(samples)
    # What is right under a view is graded by it.
    shown = [as_shown(sample, view or {}) for sample, view in zip(samples, views, strict=True)]
    requests = [
        render_view(
            *(sample, view or {}, asker.template, asker.read, asker.policy.takes), n=inputs["n"]
        )
        for sample, view in zip(samples, views, strict=True)
    ]
    answers = asker.answers(shown, requests, inputs["seed"])
    for sample, view, graded in zip(samples, views, answers, strict=True):
        for k, (completion, score) in enumerate(graded):
            rollout = asker.rollout(
                sample,
                completion,
                score,
                purpose="eval",
                origin=unit.job,
                round=0,
                k=k,
                seed=inputs["seed"],
                view=view,
            )
            yield replace(rollout, step=step, policy_version=step)


def _share(rows: Sequence[Mapping[str, Any]]) -> float:
    n = sum(row["n"] for row in rows)
    return float(sum(row["successes"] for row in rows) / n) if n else 0.0


def _interval(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    right = np.array([row["successes"] for row in rows], np.int64)
    return bootstrap(right, np.array([row["n"] for row in rows], np.int64))
