"""Build the tiny policy: supervised steps that teach it to see and to calculate, then two habits.

First it learns to work every answer out. Then a few steps make it guess most answers at once, which
is mostly wrong: reinforcement has to discover that working pays, as it does with large models.
"""

import json
import shutil
import uuid
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from pipelines.corpora.beeps import beeps
from pipelines.corpora.digits import digits
from pipelines.corpora.sums import sums
from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Sample
from pipelines.workspace import Progress, Workspace, silent
from train.tiny.lessons import IGNORED, Lesson, collate, lessons
from train.tiny.model import new_network, new_processor

RECIPE_FILE = "curricle_tiny.json"
FORMAT = 2
"""Raised with every change that makes another policy of the same seed."""
STEPS = 430
BATCH = 64
MICRO_BATCHES = 2
"""Parts of a batch, by length: less padding, and the gradient of the whole."""
LEARNING_RATE = 2e-3
HABIT_SHARE = 0.07
"""Share of the steps that teach the habit of guessing."""
HABIT_RATE = 5e-4
GUESSES = 0.6
"""Share of the questions that are guessed at once in the last steps."""
LESSON_SEED = 1_000_003
"""Keeps the lessons apart from any pool that a small seed makes."""


class Stage(NamedTuple):
    """Batches of (lesson, whether it is guessed), and their highest learning rate."""

    batches: list[list[tuple[int, bool]]]
    rate: float


def tiny_policy(workspace: Workspace, progress: Progress = silent) -> Path:
    """Give the workspace's tiny policy, built when it is first asked for."""
    return build_tiny(workspace.policies / "tiny", steps=STEPS, progress=progress)


def build_tiny(
    folder: Path,
    samples: Iterable[Sample] | None = None,
    *,
    seed: int = 0,
    steps: int = STEPS,
    progress: Progress = silent,
) -> Path:
    """Build and warm up a tiny policy, as an ordinary `transformers` checkpoint folder.

    Teaches from the training samples given, or from fresh ones of the demo corpora. A folder that
    already holds this very policy is left alone. Raises ValueError when nothing can be taught.
    """
    given = None if samples is None else list(samples)
    taught: Json = "demo" if given is None else content_hash([s.sample_id for s in given])
    recipe: dict[str, Json] = {"format": FORMAT, "seed": seed, "steps": steps, "lessons": taught}
    if _recipe_of(folder) == recipe:
        return folder
    progress("preparing lessons for the tiny policy", 0, None)
    processor = new_processor()
    course = lessons(demo_samples(seed) if given is None else given, processor)
    if not course:
        raise ValueError("no training sample is short enough to teach the tiny policy")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = new_network(processor)
        _warm_up(network, processor, course, _plan(steps, len(course), seed), progress)
    return _save(folder, network, processor, recipe)


def demo_samples(seed: int, size: int = 14_000) -> Iterable[Sample]:
    """Make training samples of the demo corpora that no pool of a small seed has."""
    fresh = {"seed": LESSON_SEED + seed, "held_out": 0}
    return chain(
        digits(size=size * 10 // 17, **fresh),
        beeps(size=size * 4 // 17, **fresh),
        sums(size=size * 3 // 17, **fresh),
    )


def _warm_up(
    network: Any,
    processor: Any,
    course: Sequence[Lesson],
    stages: Sequence[Stage],
    progress: Progress,
) -> None:
    done, total = 0, sum(len(stage.batches) for stage in stages)
    network.train()
    for stage in stages:
        optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, stage.rate, total_steps=len(stage.batches) + 1, pct_start=0.15
        )
        for batch in stage.batches:
            _accumulate(network, processor, [(course[i], guessed) for i, guessed in batch])
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            done += 1
            progress("warming up the tiny policy", done, total)
    network.eval()


def _plan(steps: int, lessons: int, seed: int) -> list[Stage]:
    """Lay out every batch: all lessons in ever new orders, and which of them are guessed."""
    rng = np.random.default_rng(seed)
    passes = -(-steps * BATCH // lessons)
    order = np.concatenate([rng.permutation(lessons) for _ in range(passes)])
    guessed = rng.random(len(order)) < GUESSES
    habit = max(1, round(HABIT_SHARE * steps))
    guessed[: (steps - habit) * BATCH] = False
    pairs = list(zip(order.tolist(), guessed.tolist(), strict=True))
    batches = [pairs[start : start + BATCH] for start in range(0, steps * BATCH, BATCH)]
    seeing, guessing = batches[: steps - habit], batches[steps - habit :]
    return [Stage(seeing, LEARNING_RATE), Stage(guessing, HABIT_RATE)]


def _accumulate(network: Any, processor: Any, batch: Sequence[tuple[Lesson, bool]]) -> None:
    """Add up the gradient of the mean loss over all tokens that the batch teaches."""
    by_length = sorted(batch, key=lambda pair: len(pair[0].prompt) + len(pair[0].worked_out))
    size = -(-len(batch) // MICRO_BATCHES)
    parts = [
        collate(by_length[start : start + size], processor) for start in range(0, len(batch), size)
    ]
    taught = sum(int((part["labels"] != IGNORED).sum()) for part in parts)
    for part in parts:
        labels = part.pop("labels")[:, 1:]
        logits = network(**part, use_cache=False).logits[:, :-1]
        loss: Any = cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        (loss / taught).backward()


def _recipe_of(folder: Path) -> Json:
    try:
        recipe: Json = json.loads((folder / RECIPE_FILE).read_text())
    except (OSError, ValueError):
        return None
    return recipe


def _save(folder: Path, network: Any, processor: Any, recipe: Json) -> Path:
    """Write the checkpoint beside its place and move it there whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".tmp-{folder.name}-{uuid.uuid4().hex[:8]}")
    try:
        network.save_pretrained(partial)
        processor.save_pretrained(partial)
        (partial / RECIPE_FILE).write_text(json.dumps(recipe, indent=1))
        if folder.exists() and _recipe_of(folder) != recipe:
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError:
        # Somebody else built the same one in the meantime.
        if _recipe_of(folder) != recipe:
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
