"""The curve of a run: what it logged step by step, what was measured on the way, what was noticed.

All of it comes from the catalog, for any run that ever was, also one that is under way.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pipelines.catalog import Catalog
from pipelines.workspace import WrongUse
from train.evaluation.measure import Evaluation, evaluation_of
from train.evaluation.settings import SetName

ORDER = get_args(SetName)

_RUNS = """
select run_id, dataset, version from runs
where starts_with(run_id, $named) or (dataset = $dataset and version = $version)
order by started_at desc, run_id
"""
_STEPS = """
with answers as (
    select step, count(*)::integer as rollouts from rollout_status
    where origin = $run and purpose in ('train', 'noisy') and not superseded group by step
)
select t.step, coalesce(a.rollouts, 0) as rollouts, t.reward_mean, t.zero_advantage_share,
    t.entropy, t.metrics
from train_steps t join units u using (unit_id) left join answers a on a.step = t.step
where t.run_id = $run and t.attempt = u.attempt
order by t.step
"""
# A step that was done again after a kill says again what it noticed.
_SIGNALS = """
select step, signature, value, threshold, decision, detail from signals
where run_id = $run
qualify row_number() over (partition by step, signature order by created_at desc) = 1
order by step, signature
"""
# Every whole evaluation of the policies of a run. `asked`: the same for all that were asked the
# same samples under the same showing in the same way, whoever answered.
_MEASURED = """
with of_run as (
    select policy_id, 0 as step from runs where run_id = $run
    union
    select trained_policy_id, $last from runs where run_id = $run and trained_policy_id is not null
    union
    select policy_id, (details->>'$.step')::integer from policies where details->>'$.run' = $run
),
whole as (
    select job, any_value(coalesce(inputs->>'$.set', 'held-out')) as set_name
    from units where kind = 'evaluate' group by job having bool_and(status = 'done')
),
counts as (
    select origin as job, sample_id, policy_id, template_id, sampling_id,
        coalesce(view::varchar, '') as shown, count(*)::integer as asked,
        count(correct)::integer as n, count(*) filter (correct)::integer as successes
    from graded where purpose = 'eval' and policy_id in (select policy_id from of_run) group by all
),
jobs as (
    select job, md5(template_id || sampling_id || string_agg(sample_id || shown, ',' order by sample_id))
        as asked_id
    from counts group by job, template_id, sampling_id
)
select w.set_name, o.step, c.job, c.policy_id, c.sample_id, s.task, c.asked, c.n, c.successes,
    j.asked_id
from counts c join jobs j using (job) join whole w using (job) join of_run o using (policy_id)
join samples s using (sample_id)
order by w.set_name, o.step, c.job, c.sample_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveStep:
    """One training step."""

    step: int
    seconds: float
    """Training time up to its end; pauses and measurements are left out."""
    rollouts: int
    """Answers that were drawn up to its end."""
    reward: float | None
    """Mean of the verifier's reward."""
    accuracy: float | None
    """Share of right answers to the plain samples of the step."""
    noisy_accuracy: float | None
    """The same for their noisy views."""
    zero_advantage_share: float | None
    entropy: float | None
    length: float | None
    """Mean tokens of an answer."""
    cut_share: float | None
    """Share of answers that were cut at the longest length."""
    kl: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One measurement of the policy of a run."""

    step: int
    """Updates that were behind it; 0 is the policy that the run started from."""
    seconds: float
    rollouts: int
    evaluation: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSignal:
    """A failure signature that was noticed."""

    step: int
    signature: str
    value: float | None
    threshold: float | None
    decision: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A run from its first step to its last."""

    run_id: str
    steps: Sequence[CurveStep]
    measured: Mapping[str, Sequence[CurvePoint]]
    """By set; all points of a set were asked the same."""
    signals: Sequence[CurveSignal]

    def before_and_after(self, set_name: str) -> tuple[Evaluation, Evaluation] | None:
        """Give the first and the last measurement on a set, where the last ended the run."""
        points = self.measured.get(set_name, ())
        if len(points) < 2 or points[0].step or points[-1].step < len(self.steps):
            return None
        return points[0].evaluation, points[-1].evaluation


def find_run(catalog: Catalog, named: str) -> str:
    """Give the id of a run from its unique beginning, or of the newest run of `dataset@version`.

    Raises WrongUse when there is none, or several.
    """
    dataset, _, version = named.partition("@")
    parameters = {
        "named": named,
        "dataset": dataset,
        "version": int(version) if version.isdigit() else None,
    }
    with catalog.read() as connection:
        rows = connection.execute(_RUNS, parameters).fetchall() if named else []
    if not rows:
        raise WrongUse(
            f"no run begins with {named!r} and none trained on a dataset of that name; "
            '`curricle sql "select run_id, dataset, version from runs"` lists them'
        )
    ids = [row[0] for row in rows]
    if not version and len(ids) > 1:
        raise WrongUse(
            f"{len(ids)} runs begin with {named!r}: {', '.join(ids[:4])}; say more of it"
        )
    return str(ids[0])


def curve(catalog: Catalog, run_id: str) -> Curve:
    """Read the curve of a run."""
    steps = _steps(catalog, run_id)
    return Curve(
        run_id=run_id,
        steps=steps,
        measured=_measured(catalog, run_id, steps),
        signals=[CurveSignal(**row) for row in _query(catalog, _SIGNALS, run=run_id)],
    )


def _steps(catalog: Catalog, run_id: str) -> list[CurveStep]:
    found: list[CurveStep] = []
    seconds, rollouts = 0.0, 0
    for row in _query(catalog, _STEPS, run=run_id):
        logged: dict[str, Any] = json.loads(row["metrics"] or "{}")
        seconds += logged.get("step_time") or 0.0
        rollouts += row["rollouts"]
        found.append(
            CurveStep(
                step=row["step"],
                seconds=seconds,
                rollouts=rollouts,
                reward=row["reward_mean"],
                accuracy=logged.get("accuracy/plain"),
                noisy_accuracy=logged.get("accuracy/noisy"),
                zero_advantage_share=row["zero_advantage_share"],
                entropy=row["entropy"],
                length=logged.get("completions/mean_length"),
                cut_share=logged.get("completions/clipped_ratio"),
                kl=logged.get("kl"),
            )
        )
    return found


def _measured(
    catalog: Catalog, run_id: str, steps: Sequence[CurveStep]
) -> dict[str, list[CurvePoint]]:
    """Choose, for each set, what was asked alike most often in the course of the run."""
    last = steps[-1].step if steps else 0
    rows = _query(catalog, _MEASURED, run=run_id, last=last)
    asked = defaultdict[tuple[str, str], dict[int, list[Any]]](lambda: defaultdict(list))
    for row in rows:
        asked[row["set_name"], row["asked_id"]][row["step"]].append(row)
    chosen: dict[str, dict[int, list[Any]]] = {}
    for (set_name, _), by_step in sorted(asked.items()):
        if _weight(by_step) > _weight(chosen.get(set_name, {})):
            chosen[set_name] = by_step
    reached = {step.step: step for step in steps}
    return {
        set_name: [
            CurvePoint(
                step=step,
                seconds=reached[step].seconds if step in reached else 0.0,
                rollouts=reached[step].rollouts if step in reached else 0,
                evaluation=_evaluation(of_step, set_name),
            )
            for step, of_step in sorted(by_step.items())
        ]
        for set_name, by_step in sorted(chosen.items(), key=lambda item: ORDER.index(item[0]))
    }


def _weight(by_step: Mapping[int, Sequence[Any]]) -> tuple[int, int]:
    return len(by_step), sum(len(rows) for rows in by_step.values())


def _evaluation(rows: Sequence[Mapping[str, Any]], set_name: str) -> Evaluation:
    """Sum up one evaluation; of several that were asked alike, the one with most answers."""
    jobs = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in rows:
        jobs[row["job"]].append(row)
    job, of_job = max(sorted(jobs.items()), key=lambda item: sum(row["asked"] for row in item[1]))
    return evaluation_of(of_job, job, of_job[0]["policy_id"], set_name)


def _query(catalog: Catalog, query: str, **parameters: object) -> list[dict[str, Any]]:
    with catalog.read() as connection:
        rows: list[dict[str, Any]] = (
            connection.execute(query, parameters).to_arrow_table().to_pylist()
        )
    return rows
