"""A small workspace with one of everything that a report shows, much of it hostile."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from small_catalog import a_plan, add, sum_question, tried

from pipelines.catalog.samples import add_rejects
from pipelines.curation.curate import curate
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, ask
from pipelines.record.steps import Reject
from pipelines.withdrawal import withdraw
from pipelines.workspace import Workspace

HOSTILE = (
    "</script><script>window.pwned=1</script><!--<img src=x onerror=window.pwned=1>"
    "\u2028\u2029'\"`${alert(1)}&amp;]]>\u202e{{7*7}}"
)
SECRET = "a question that was withdrawn for good"
RUNS = {"aaaa1111": "small", "bbbb2222": "small-control"}
STEPS = 4


def picture(shade: int) -> Media:
    file = io.BytesIO()
    Image.new("RGB", (24, 16), (shade, 90, 40)).save(file, "PNG")
    return Media.of_bytes(file.getvalue(), "image")


def clip() -> Media:
    file = io.BytesIO()
    wave = np.sin(np.arange(4000) / 6).astype(np.float32)
    soundfile.write(file, wave, 8000, format="WAV")
    return Media.of_bytes(file.getvalue(), "audio")


def question(number: int, text: str, *media: Media, **changes: Any) -> Sample:
    sample = Sample(
        prompt=ask(text, *media),
        media=media,
        answer=Answer.text(f"answer {number}"),
        task="look/name",
        corpus="shapes",
        source_ref=f"shapes.jsonl:{number}",
        licence="CC0-1.0",
    )
    return replace(sample, **changes)


def world(root: Path) -> Workspace:
    """Sums, pictures, a clip and a view; a set, its control, and a run on each."""
    workspace = Workspace(root, lock_timeout=20)
    sums = [sum_question(i) for i in range(24)]
    seen = [question(i, f"What shape is it? ({i})", picture(10 * i)) for i in range(4)]
    heard = question(7, "What do you hear?", clip(), task="hear/name")
    gone = question(8, "Whose picture is gone?", picture(200))
    hostile = question(9, HOSTILE, task=HOSTILE, corpus=HOSTILE, source_ref=HOSTILE)
    hostile = replace(hostile, answer=Answer.text(HOSTILE), licence=HOSTILE)
    secret = question(10, SECRET)
    coarser = {"name": "jpeg", "params": {"quality": 40}, "version": 1}
    view = replace(seen[0], parent=seen[0].sample_id, history=(coarser,), recipe="light@1")
    samples = [*sums, *seen, heard, gone, hostile, secret, view]
    add(workspace, samples)
    rights = {sample.sample_id: i % 9 for i, sample in enumerate(samples)}
    rights[hostile.sample_id] = 4
    tried(workspace, rights)
    with workspace.catalog.write() as connection:
        add_rejects(connection, [Reject(HOSTILE, HOSTILE, "read", "no_answer", HOSTILE)])
        connection.execute("update rollouts set completion = ?", [HOSTILE])
        connection.execute("update grades set reason = ?", [HOSTILE])
        connection.execute("update policies set name = ?", [HOSTILE])
    workspace.media.path(gone.media[0].media_id).unlink()
    # Shards hold media, and would miss the one that is gone.
    outside = "question not like 'Whose%'"
    curate(workspace, a_plan(include_views=True, where=outside, order={"stages": 2}))
    for run_id, dataset in RUNS.items():
        trained(workspace, run_id, dataset)
    withdraw(workspace, [secret.sample_id], reason="asked for")
    return workspace


def trained(workspace: Workspace, run_id: str, dataset: str) -> None:
    """Write down a run that asked its dataset in order, measured before and after."""
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into runs by name select ? as run_id, ? as dataset, 1 as version, "
            "'id-of-tiny' as policy_id, 'plain' as template_id, ? as trained_policy_id, 0 as seed, "
            "'done' as status, timestamp '2026-01-01 10:00' as started_at, "
            "timestamp '2026-01-01 10:05' as ended_at",
            [run_id, dataset, f"trained-{run_id}"],
        )
        connection.execute(
            "insert into units by name select ? || '-' || step as unit_id, ? as job, "
            "'train' as kind, step as round, 0 as batch, 'done' as status, 1 as attempt "
            "from range(1, ?) t(step)",
            [run_id, run_id, STEPS + 1],
        )
        metrics = json.dumps({"step_time": 1.5, "accuracy/plain": 0.5, "kl": 0.01})
        connection.execute(
            "insert into train_steps by name select ? as run_id, step, 1 as attempt, "
            "? || '-' || step as unit_id, 0.5 as reward_mean, 0.25 as zero_advantage_share, "
            "1.0 as entropy, ?::json as metrics from range(1, ?) t(step)",
            [run_id, run_id, metrics, STEPS + 1],
        )
        connection.execute(
            "insert into train_groups by name with placed as (select *, "
            "1 + position * ? // count(*) over () as step from dataset_samples where dataset = ?) "
            "select ? as run_id, step, 1 as attempt, ? || '-' || step as unit_id, position as slot, "
            "position, sample_id, 'planned' as came, true as entered, false as padded, "
            "8 as answers, 8 as graded, 4 as successes, 0.5 as reward_mean, 0.5 as abs_advantage "
            "from placed",
            [STEPS, dataset, run_id, run_id],
        )
        connection.execute(
            "insert into signals by name select ? as run_id, 2 as step, "
            "'entropy_collapse' as signature, 'warn' as decision, ? as detail, "
            "timestamp '2026-01-01' as created_at, ? || '-2' as unit_id, 1 as attempt",
            [run_id, HOSTILE, run_id],
        )
    better = 6 if dataset == "small" else 5
    for policy, right in (("id-of-tiny", 3), (f"trained-{run_id}", better)):
        measured(workspace, f"{run_id}-{policy}", policy, right)


def measured(workspace: Workspace, job: str, policy: str, right: int) -> None:
    """Write down an evaluation on ten sums, eight answers each, so many of them right."""
    ids = "select sample_id from samples where corpus = 'sums' order by sample_id limit 10"
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into units by name select ? as unit_id, ? as job, 'evaluate' as kind, "
            "0 as round, 0 as batch, 'done' as status, 1 as attempt, "
            '\'{"set": "held-out"}\'::json as inputs',
            [job, job],
        )
        connection.execute(
            f"insert into rollouts by name select ? || sample_id || k as rollout_id, ? as unit_id, "
            "1 as attempt, sample_id, ? as policy_id, 'plain' as template_id, 'warm' as sampling_id, "
            f"'eval' as purpose, ? as origin, 0 as round, k from ({ids}), range(8) t(k)",
            [job, job, policy, job],
        )
        connection.execute(
            f"insert into grades by name select ? || sample_id || k as rollout_id, ? as unit_id, "
            f"1 as attempt, 'number@1' as reward_id, k < ? as correct from ({ids}), range(8) t(k)",
            [job, job, right],
        )
