"""Evidence that others made: their policies, prompts and graders under ids apart from ours.

Nothing that comes from outside can be taken for what this workspace asked or graded itself:
policies, templates and samplings have ids of their own, and the names of our rewards are ours.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import append_new
from pipelines.record.canonical import Json, canonical_json, content_hash
from pipelines.record.evidence import ImportedRollout

IMPORTED = "imported"
Who = tuple[str, str]
"""Name and revision of a policy of somebody else."""

_TAKEN = """
select distinct name from policies where kind <> 'imported' and name in (select name from others)
"""


def policy_id(name: str, revision: str = "") -> str:
    """Others' weights are not at hand: name and revision have to stand for them."""
    return content_hash([IMPORTED, name, revision] if revision else [IMPORTED, name])


def template_id(wording: str) -> str:
    """How others put a question: the wording where it is known, else a name."""
    return content_hash({IMPORTED: wording})


def sampling(
    temperature: float | None = None, top_p: float | None = None, max_tokens: int | None = None
) -> dict[str, Json]:
    """How others sampled, as far as they say."""
    said = {
        "temperature": None if temperature is None else f"{temperature:g}",
        "top_p": None if top_p is None else f"{top_p:g}",
        "max_tokens": max_tokens,
    }
    return {IMPORTED: True} | {name: value for name, value in said.items() if value is not None}


def reward_id(name: str, ours: Iterable[str]) -> str:
    """Others' grader as name@version; the names of our own rewards are never given away."""
    versioned = name if "@" in name else f"{name}@1"
    return f"{IMPORTED}:{versioned}" if versioned.split("@")[0] in ours else versioned


def introduce(
    connection: Connection, policies: Iterable[Who], wordings: Iterable[str], stamp: datetime
) -> None:
    """Write down whose evidence it is and how they asked.

    Revisions that come with one `stamp` do not make each other stale.
    """
    named: list[dict[str, object]] = [
        {
            "policy_id": policy_id(name, revision),
            "name": name,
            "kind": IMPORTED,
            "revision": revision or None,
            "details": "{}",
            "first_seen": stamp,
        }
        for name, revision in sorted(set(policies))
    ]
    if named:
        rows = _told_apart(connection, named)
        append_new(connection, "policies", pa.Table.from_pylist(rows), key="policy_id")
    worded = [
        {
            "template_id": template_id(wording),
            "name": f"{IMPORTED}: {wording}"[:80],
            "version": 1,
            "content": canonical_json({IMPORTED: wording}),
        }
        for wording in sorted(set(wordings))
    ]
    append_new(connection, "templates", pa.Table.from_pylist(worded), key="template_id")


def keep_outcomes(connection: Connection, outcomes: Sequence[ImportedRollout]) -> int:
    """Keep what a corpus tells of other policies; give how many rollouts were new."""
    policies = [(item.policy, "") for item in outcomes]
    introduce(connection, policies, [item.template for item in outcomes], now())
    # An import is its own only attempt: the key of each rollout makes it idempotent.
    tables = evidence_tables([_rollout(item) for item in outcomes], unit_id="", attempt=1)
    new = append_new(connection, "rollouts", tables["rollouts"], key="rollout_id")
    append_new(connection, "grades", tables["grades"], key="rollout_id, reward_id")
    return new


def _rollout(item: ImportedRollout) -> Rollout:
    unknown = sampling()
    return Rollout(
        sample_id=item.sample.sample_id,
        policy_id=policy_id(item.policy),
        template_id=template_id(item.template),
        sampling_id=content_hash(unknown),
        purpose="score",
        origin=f"import:{item.sample.corpus}",
        round=0,
        k=item.k,
        sampling=unknown,
        completion=item.completion,
        reward_id=item.reward,
        value=float(item.correct),
        correct=item.correct,
        reason=f"graded by {item.reward}",
    )


def _told_apart(
    connection: Connection, named: Sequence[dict[str, object]]
) -> list[dict[str, object]]:
    """Mark the names that a policy of this workspace has, so that a plan means one of the two."""
    connection.register("others", pa.table({"name": [str(row["name"]) for row in named]}))
    taken = {name for (name,) in connection.execute(_TAKEN).fetchall()}
    connection.unregister("others")
    return [
        row | {"name": f"{IMPORTED}:{row['name']}"} if row["name"] in taken else row
        for row in named
    ]
