"""Rollouts and their grades as rows: what a policy answered, and what a grader said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import pyarrow as pa

from pipelines.catalog.catalog import now
from pipelines.record.canonical import Json, canonical_json, content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One answer of one policy to one sample, with its grade, ready to be stored."""

    sample_id: str
    policy_id: str
    template_id: str
    sampling_id: str
    purpose: str
    origin: str
    """The scoring job or the training run."""
    round: int
    k: int
    """Index among the answers of this policy to this sample within the origin."""
    sampling: Mapping[str, Json]
    seed: int | None = None
    completion: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reward_id: str
    value: float | None
    correct: bool | None
    """None is unscored, never wrong."""
    reason: str = ""
    components: Mapping[str, float] | None = None
    step: int | None = None
    policy_version: int | None = None
    view: Json = None
    advantage: float | None = None


_FIELDS = tuple(field.name for field in fields(Rollout))
_GRADE_COLUMNS = ("reward_id", "value", "correct", "reason")

ROLLOUT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("rollout_id", "unit_id")),
        ("attempt", pa.int32()),
        *((name, pa.string()) for name in ("sample_id", "policy_id", "template_id")),
        *((name, pa.string()) for name in ("sampling_id", "purpose", "origin")),
        *((name, pa.int32()) for name in ("round", "k", "step", "policy_version")),
        *((name, pa.string()) for name in ("view", "sampling")),
        ("seed", pa.int64()),
        *((name, pa.string()) for name in ("completion", "finish_reason")),
        *((name, pa.int32()) for name in ("prompt_tokens", "completion_tokens")),
        ("advantage", pa.float64()),
        ("created_at", pa.timestamp("us")),
    ]
)
GRADE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("rollout_id", "unit_id")),
        ("attempt", pa.int32()),
        ("reward_id", pa.string()),
        ("value", pa.float64()),
        ("correct", pa.bool_()),
        *((name, pa.string()) for name in ("reason", "components")),
    ]
)


def evidence_tables(rollouts: Sequence[Rollout], unit_id: str, attempt: int) -> dict[str, pa.Table]:
    """Give the `rollouts` and `grades` rows of one attempt at one unit."""
    stamp = now()
    rows, grades = [], []
    for rollout in rollouts:
        # Not `asdict`, which copies deeply and takes most of the time of a training step's rows.
        row = {name: getattr(rollout, name) for name in _FIELDS}
        components = row.pop("components")
        grade = {name: row.pop(name) for name in _GRADE_COLUMNS}
        key = rollout_id(rollout, attempt)
        row |= {
            "rollout_id": key,
            "unit_id": unit_id,
            "attempt": attempt,
            "sampling": _sampling_json(tuple(rollout.sampling.items())),
            "view": None if rollout.view is None else canonical_json(rollout.view),
            "created_at": stamp,
        }
        rows.append(row)
        grade |= {
            "rollout_id": key,
            "unit_id": unit_id,
            "attempt": attempt,
            "components": components_json(components),
        }
        grades.append(grade)
    return {
        "rollouts": pa.Table.from_pylist(rows, ROLLOUT_SCHEMA),
        "grades": pa.Table.from_pylist(grades, GRADE_SCHEMA),
    }


@lru_cache(maxsize=64)
def _sampling_json(sampling: tuple[tuple[str, Json], ...]) -> str:
    return canonical_json(dict(sampling))


def rollout_id(rollout: Rollout, attempt: int) -> str:
    """The key of a rollout, free of its reward (IDENTITY: what a rollout is)."""
    return content_hash(
        [
            *(rollout.sample_id, rollout.policy_id, rollout.template_id, rollout.sampling_id),
            *(rollout.purpose, rollout.origin, rollout.round, rollout.k, attempt),
        ]
    )


def components_json(components: Mapping[str, float] | None) -> str | None:
    """Write the parts of a reward; None where it has none."""
    if not components:
        return None
    return canonical_json({name: f"{value:.6g}" for name, value in components.items()})
