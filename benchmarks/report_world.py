"""A seeded workspace for the report's page: pictures and sums with answers, a set and its control."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit, begin, commit
from pipelines.catalog.ledger import plan as plan_units
from pipelines.catalog.samples import add_samples
from pipelines.curation.curate import curate
from pipelines.curation.plans import Plan
from pipelines.record.media import Media, inspect
from pipelines.record.sample import Answer, Sample, ask
from pipelines.workspace import Workspace

TRIES = 8
AT_ONCE = 1_000


def made(root: Path, count: int) -> Path:
    """A workspace of so many samples, three in five with a picture."""
    rng, workspace = np.random.default_rng(0), Workspace(root)
    samples = [question(rng, number) for number in range(count)]
    media = [medium for sample in samples for medium in sample.media]
    for medium in media:
        workspace.media.put(medium)
    with workspace.catalog.write() as connection:
        add_samples(connection, samples, [inspect(m, m.read()) for m in media])
        connection.execute("insert into policies by name select 'p' as policy_id, 'small' as name")
    for start in range(0, count, AT_ONCE):
        asked(workspace, rng, samples[start : start + AT_ONCE], start)
    plan = {"name": "large", "quota": {"size": count // 4}, "order": {"stages": 4}}
    curate(workspace, Plan.model_validate(plan))
    return root


def question(rng: np.random.Generator, number: int) -> Sample:
    media = (picture(rng),) if number % 5 < 3 else ()
    a, b = (int(n) for n in rng.integers(1, 1000, 2))
    text = (
        f"What is {a} + {b}? Work it out step by step, then write the sum after `=`. No. {number}."
    )
    return Sample(
        prompt=ask(text, *media),
        answer=Answer.number(a + b),
        media=media,
        task=f"{'seen' if media else 'read'}/{number % 4}",
        corpus="pictures" if media else "sheets",
        source_ref=f"train-{number // 1000}.jsonl:{number % 1000}",
        licence="CC0-1.0",
    )


def picture(rng: np.random.Generator) -> Media:
    """A small photograph-like picture: smooth patches under noise."""
    patches = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    smooth = np.asarray(patches.resize((320, 240), Image.Resampling.BICUBIC), np.int16)
    noisy = (smooth + rng.integers(-12, 12, smooth.shape)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=85)
    return Media.of_bytes(file.getvalue(), "image")


def asked(
    workspace: Workspace, rng: np.random.Generator, samples: list[Sample], number: int
) -> None:
    """Store eight answers to each sample, some of them right."""
    unit = Unit(job="score", kind="score", round=0, batch=number, inputs=[number])
    rollouts = [
        answer(sample, k, bool(right))
        for sample in samples
        for k, right in enumerate(rng.random(TRIES) < rng.beta(0.7, 0.9))
    ]
    with workspace.catalog.write() as connection:
        plan_units(connection, [unit])
        attempt = begin(connection, unit.unit_id)
        commit(connection, unit.unit_id, attempt, evidence_tables(rollouts, unit.unit_id, attempt))


def answer(sample: Sample, k: int, right: bool) -> Rollout:
    given: Any = sample.answer.value if right else k
    return Rollout(
        sample_id=sample.sample_id,
        policy_id="p",
        template_id="plain",
        sampling_id="warm",
        purpose="score",
        origin="score",
        round=0,
        k=k,
        sampling={},
        reward_id="number@2",
        completion=f"First the hundreds, then the tens, then the ones; carry {k}.\n={given}",
        completion_tokens=24,
        finish_reason="stop",
        value=float(right),
        correct=right,
        reason="match" if right else f"expected {sample.answer.value!r}, got {str(k)!r}",
    )
