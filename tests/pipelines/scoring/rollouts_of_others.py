"""Files of rollouts as others might write them, for the tests of importing and auditing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.workspace import Workspace

Row = Mapping[str, Any]


def lines(path: Path, rows: Sequence[Row | bytes]) -> Path:
    """Write JSON Lines; bytes go in as they are."""
    texts = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return path


def parquet(path: Path, rows: Sequence[Row]) -> Path:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def answer(sample_id: str, completion: str, **said: Any) -> Row:
    return {"sample_id": sample_id, "policy": "other/7b", "completion": completion} | said


def outcome(sample_id: str, correct: bool, **said: Any) -> Row:
    return {"sample_id": sample_id, "policy": "other/7b", "correct": correct} | said


def evidence(workspace: Workspace) -> list[dict[str, Any]]:
    """All of the rollouts and their grades that do not depend on when and in which order."""
    return workspace.catalog.rows(
        "select r.rollout_id, r.sample_id, r.policy_id, r.template_id, r.sampling_id, r.purpose, "
        "r.origin, r.seed, r.completion, g.reward_id, g.value, g.correct "
        "from rollouts r left join grades g using (rollout_id) order by all"
    )


def difficulty(workspace: Workspace) -> list[dict[str, Any]]:
    return workspace.catalog.rows(
        "select sample_id, policy, split_part(reward_id, '@', 1) as reward, n, successes, unscored "
        "from difficulty order by all"
    )
