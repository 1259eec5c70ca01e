"""What training runs tell a plan: what they made easy, what they learned from, and tries.

Answers grow stale as the policy goes on, so each weighs `gamma` for every step of its run that
came after it, and none counts that is older than `max_age` steps. Polaris drops what a run has
made easy; LIMR (arXiv 2502.11886) keeps what was learned as the whole was.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import Connection
from pipelines.curation.kinds import Trained
from pipelines.curation.manifest import RunUsed
from pipelines.curation.plans import TrainingRule
from pipelines.workspace import WrongUse

LATEST = "latest"

_RUNS = """
select r.run_id, r.dataset, r.version, coalesce(r.trained_policy_id, r.run_id) as policy_id,
    coalesce(p.name, r.run_id) as policy, max(g.step) as last_step
from runs r join counted_groups g using (run_id)
left join policies p on p.policy_id = r.trained_policy_id
where g.came <> 'replay'
group by all order by max(r.started_at), r.run_id
"""
_TOLD = """
select g.sample_id, sum(g.graded)::bigint as answers,
    round(sum(g.successes * c.gamma ** (c.last_step - g.step))
        / sum(g.graded * c.gamma ** (c.last_step - g.step)), 6) as rate
from counted_groups g join chosen_runs c using (run_id)
where g.came <> 'replay' and g.graded > 0 and c.last_step - g.step <= c.max_age
group by g.sample_id
"""
_ALIGNED = """
select l.sample_id, round(avg(l.alignment), 6) as alignment
from learning l semi join chosen_runs c using (run_id)
where l.alignment is not null group by l.sample_id
"""
_NOT_ALIGNED = "select ''::varchar as sample_id, null::double as alignment where false"
_ANSWERED = """
select c.run_id, c.policy_id, c.policy, g.template_id, coalesce(t.name, '') as template,
    g.sampling_id, g.reward_id, g.sample_id, count(*)::bigint as answers,
    count(*) filter (g.correct)::bigint as right_ones,
    round(sum(c.gamma ** (c.last_step - g.step)), 6) as weight,
    round(sum(c.gamma ** (c.last_step - g.step)) filter (g.correct), 6) as right_weight
from graded g join chosen_runs c on c.run_id = g.origin
left join templates t using (template_id)
where g.purpose = 'train' and g.correct is not null and c.last_step - g.step <= c.max_age
group by all
"""
TOLD = pa.schema(
    [
        ("sample_id", pa.string()),
        ("answers", pa.int64()),
        ("rate", pa.float64()),
        ("alignment", pa.float64()),
    ]
)
"""What runs say of samples, as in `Trained`."""


@dataclass(frozen=True, slots=True)
class TriesOfRuns:
    """Training answers of one sample, as they stand in for scored tries."""

    reward_ids: tuple[str, ...]
    answers: int
    tries: int
    """What is left of them after the discount, whole ones."""
    successes: float
    """So many of `tries` that their share is that of the discounted answers."""


def chosen_runs(connection: Connection, plan: str, rule: TrainingRule) -> list[dict[str, Any]]:
    """Give the runs that a rule names, and register them. Raises WrongUse for an unknown one."""
    known = connection.execute(_RUNS).to_arrow_table()
    rows = known.to_pylist()
    for name in rule.runs:
        if not any(_is(name, row) for row in rows) and not (name == LATEST and rows):
            labels = ", ".join(f"{r['run_id']} ({r['dataset']}@{r['version']})" for r in rows)
            raise WrongUse(
                f"plan {plan!r}: no training run {name!r} in [training]; "
                f"there is {labels or 'none, so run `curricle train` first'}"
            )
    newest = rows[-1:] if LATEST in rule.runs else []
    chosen = [row for row in rows if row in newest or any(_is(name, row) for name in rule.runs)]
    oldest = 2**31 - 1 if rule.max_age is None else rule.max_age
    weighed = [row | {"gamma": rule.gamma, "max_age": oldest} for row in chosen]
    schema = known.schema.append(pa.field("gamma", pa.float64()))
    schema = schema.append(pa.field("max_age", pa.int64()))
    connection.register("chosen_runs", pa.Table.from_pylist(weighed, schema))
    return chosen


def told_of(connection: Connection, rule: TrainingRule) -> pa.Table:
    """Say what the chosen runs tell of each sample that they asked, as far as the rule asks."""
    aligned = _ALIGNED if rule.alignment is not None else _NOT_ALIGNED
    return connection.execute(
        f"select sample_id, coalesce(t.answers, 0)::bigint as answers, t.rate, a.alignment "
        f"from ({_TOLD}) t full join ({aligned}) a using (sample_id)"
    ).to_arrow_table()


def answered_by_runs(connection: Connection) -> list[dict[str, Any]]:
    """Give the chosen runs' graded answers: a row by run, template, sampling, reward, sample."""
    rows: list[dict[str, Any]] = connection.execute(_ANSWERED).to_arrow_table().to_pylist()
    return rows


def tries_of_runs(rows: Sequence[dict[str, Any]], rule: TrainingRule) -> dict[str, TriesOfRuns]:
    """Turn answers of runs into tries of the samples that have enough of them."""
    by_sample: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_sample.setdefault(row["sample_id"], []).append(row)
    tries = {key: _tries(own) for key, own in sorted(by_sample.items())}
    return {
        key: found for key, found in tries.items() if found.answers >= rule.minimum and found.tries
    }


def judge_trained(
    trained: Trained | None, rule: TrainingRule, guess_rate: float, *, guess_correction: bool
) -> str:
    """Give the reason why training speaks against a sample; empty when it does not.

    A sample that the runs did not ask often enough passes.
    """
    if trained is None:
        return ""
    bound, least = rule.drop_easy_above, rule.alignment
    if bound is not None and trained.rate is not None and trained.answers >= rule.minimum:
        guess = guess_rate if guess_correction else 0.0
        if trained.rate > guess + (1 - guess) * bound:
            return "made_easy"
    if least is not None and trained.alignment is not None and trained.alignment <= least:
        return "not_aligned"
    return ""


def runs_used(
    chosen: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], filled: Collection[str]
) -> tuple[RunUsed, ...]:
    """Name the runs that a plan looked at, and whose tries they gave."""
    used = []
    for run in sorted(chosen, key=lambda run: str(run["run_id"])):
        own = [r for r in rows if r["run_id"] == run["run_id"] and r["sample_id"] in filled]
        used.append(
            RunUsed(
                run_id=run["run_id"],
                dataset=f"{run['dataset']}@{run['version']}",
                policy_id=run["policy_id"],
                policy=run["policy"],
                last_step=run["last_step"],
                reward_ids=tuple(sorted({row["reward_id"] for row in own})),
                samples=len({row["sample_id"] for row in own}),
                answers=sum(row["answers"] for row in own),
            )
        )
    return tuple(used)


def _is(name: str, row: dict[str, Any]) -> bool:
    known = (row["run_id"], row["dataset"], f"{row['dataset']}@{row['version']}")
    return any(fnmatchcase(label, name) for label in known)


def _tries(rows: Sequence[dict[str, Any]]) -> TriesOfRuns:
    weight = sum(row["weight"] for row in rows)
    right = sum(row["right_weight"] or 0.0 for row in rows)
    tries = int(weight)
    return TriesOfRuns(
        reward_ids=tuple(sorted({row["reward_id"] for row in rows})),
        answers=sum(row["answers"] for row in rows),
        tries=tries,
        # Thousandths: from the pass rate that a version stores this very count is read back.
        successes=round(right / weight * tries, 3) if tries else 0.0,
    )
