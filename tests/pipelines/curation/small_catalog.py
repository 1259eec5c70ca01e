"""Small catalogs for the curation tests: sums, yes/no questions and tiny pictures, with evidence."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
from PIL import Image

from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit, append_new, begin, commit
from pipelines.catalog.ledger import plan as plan_units
from pipelines.catalog.samples import add_samples
from pipelines.curation.plans import Plan
from pipelines.record.canonical import Json, canonical_json
from pipelines.record.media import Media, inspect
from pipelines.record.sample import Answer, Sample, ask
from pipelines.workspace import Workspace, validated

TRIES = 8


def sum_question(i: int, **changes: Any) -> Sample:
    sample = Sample(
        prompt=ask(f"{i}+1"),
        answer=Answer.number(i + 1),
        task="sums/add",
        corpus="sums",
        source_ref=f"train/{i}",
        licence="CC0-1.0",
    )
    return replace(sample, **changes)


def picture_question(i: int, **changes: Any) -> Sample:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (i % 256, 50, 90)).save(buffer, "PNG")
    picture = Media.of_bytes(buffer.getvalue(), "image")
    sample = Sample(
        prompt=ask("How red is it?", picture),
        media=(picture,),
        answer=Answer.number(i),
        task="digits/read",
        corpus="digits",
        source_ref=f"train/{i}",
        licence="MIT",
    )
    return replace(sample, **changes)


def choice_question(i: int, **changes: Any) -> Sample:
    options = ["red", "green", "blue", "grey"]
    sample = Sample(
        prompt=ask(f"Which is number {i}?\nA) red\nB) green\nC) blue\nD) grey"),
        answer=Answer.choice("ABCD"[i % 4], options),
        task="colours/choose",
        corpus="colours",
        source_ref=f"train/{i}",
        licence="CC0-1.0",
    )
    return replace(sample, **changes)


def add(workspace: Workspace, samples: Sequence[Sample]) -> None:
    media = {m.media_id: m for sample in samples for m in sample.media if m.source}
    for medium in media.values():
        workspace.media.put(medium)
    facts = [inspect(medium, medium.read()) for medium in media.values()]
    with workspace.catalog.write() as connection:
        add_samples(connection, samples, facts)


def tried(
    workspace: Workspace,
    successes: Mapping[str, int],
    *,
    policy: str = "tiny",
    reward: str = "number@1",
    tries: int = TRIES,
    purpose: str = "score",
    view: Json = None,
) -> None:
    """Store `tries` rollouts of each sample, so many of them right."""
    plain = [
        _rollout(sample_id, policy, reward, k, k < right)
        for sample_id, right in successes.items()
        for k in range(tries)
    ]
    rollouts = [replace(rollout, purpose=purpose, view=view) for rollout in plain]
    job = f"{policy}/{reward}/{purpose}/{canonical_json(view)}"
    unit = Unit(job=job, kind=purpose, round=0, batch=0, inputs=[*successes])
    known = [{"policy_id": f"id-of-{policy}", "name": policy}]
    with workspace.catalog.write() as connection:
        plan_units(connection, [unit])
        append_new(connection, "policies", pa.Table.from_pylist(known), key="policy_id")
        attempt = begin(connection, unit.unit_id)
        commit(connection, unit.unit_id, attempt, evidence_tables(rollouts, unit.unit_id, attempt))


def filled(
    workspace: Workspace, rights: Sequence[int], make: Any = sum_question, **changes: Any
) -> list[Sample]:
    """Add one question for each number of right answers among 8 tries; give them in that order."""
    samples = [make(i, **changes) for i in range(len(rights))]
    add(workspace, samples)
    tried(
        workspace,
        {sample.sample_id: right for sample, right in zip(samples, rights, strict=True)},
        policy="tiny",
        reward=f"{make.__name__}@1",
    )
    return samples


def a_plan(**keys: Any) -> Plan:
    """Make a plan as a TOML file would."""
    return validated({"name": "small", **keys}, Plan, "small.toml")


def _rollout(sample_id: str, policy: str, reward: str, k: int, correct: bool) -> Rollout:
    return Rollout(
        sample_id=sample_id,
        policy_id=f"id-of-{policy}",
        template_id="plain",
        sampling_id="warm",
        purpose="score",
        origin=f"{policy}/{reward}",
        round=0,
        k=k,
        sampling={},
        reward_id=reward,
        value=float(correct),
        correct=correct,
    )
