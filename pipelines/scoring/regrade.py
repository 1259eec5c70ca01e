"""Grades of today's graders on answers of before: a new grader needs no new rollouts."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import Catalog, Connection
from pipelines.catalog.evidence import GRADE_SCHEMA, components_json
from pipelines.catalog.ledger import append_new
from pipelines.record.sample import Answer, Reference
from pipelines.rewards import BY_KIND, Grading
from pipelines.scoring.ask import Asker

UNGRADED = """
select r.rollout_id, r.unit_id, r.attempt, r.completion, s.answer::varchar as answer, s.steps,
    c.reward_id
from rollouts r join samples s using (sample_id) join current_rewards c using (answer_kind)
where r.sample_id in (from wanted_ids) and r.completion is not null and r.purpose in ('score', 'think')
    and r.policy_id = $policy and r.template_id = $template and r.sampling_id = $sampling
    and not exists (
        from grades g where g.rollout_id = r.rollout_id and g.reward_id = c.reward_id
    )
order by r.rollout_id
"""


def register_rewards(connection: Connection, grading: Grading = BY_KIND) -> None:
    """Let a query join `current_rewards(answer_kind, reward_id)`: who grades which kind now."""
    kinds = grading.current_by_kind()
    table = pa.table({"answer_kind": list(kinds), "reward_id": list(kinds.values())})
    connection.register("current_rewards", table)


def regrade(catalog: Catalog, asker: Asker, sample_ids: Sequence[str]) -> int:
    """Grade what this policy answered and today's graders have not seen; give how many.

    What other policies answered keeps the grades that it came with.
    """
    with catalog.read() as connection:
        register_rewards(connection, asker.grading)
        wanted = pa.table({"sample_id": pa.array(sample_ids, pa.string())})
        connection.register("wanted_ids", wanted)
        rows = connection.execute(UNGRADED, asker.asked).to_arrow_table().to_pylist()
    if not rows:
        return 0
    scores = asker.grading.grade_all((_reference(row), row.pop("completion")) for row in rows)
    grades = [
        row
        | {
            "value": score.value,
            "correct": score.correct,
            "reason": score.reason,
            "components": components_json(score.components),
        }
        for row, score in zip(rows, scores, strict=True)
    ]
    table = pa.Table.from_pylist(grades, GRADE_SCHEMA)
    with catalog.write() as connection:
        return append_new(connection, "grades", table, key="rollout_id, reward_id")


def _reference(row: dict[str, Any]) -> Reference:
    answer = Answer.from_json(json.loads(row.pop("answer")))
    return Reference(answer, tuple(row.pop("steps") or ()))
