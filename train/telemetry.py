"""What a run did, back into the catalog: every rollout and every step, exactly once.

A step is a unit of work. When it ends, its rows are written as one part, a folder that appears
whole; parts go into the catalog in bursts, since a burst costs more than a step. A killed run
leaves its parts behind, and the next start takes them in before it begins the steps after the
last checkpoint again, as their next attempt; what they supersede stays and is marked.
"""

import json
import math
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalog import Catalog, LockTimeout, ledger
from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit
from pipelines.policies.policy import Sampling
from pipelines.record.canonical import content_hash
from pipelines.rewards import Score

BURST_SECONDS = 4.0
"""Time between two bursts into the catalog."""

STEP_SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        *((name, pa.int32()) for name in ("step", "attempt")),
        ("unit_id", pa.string()),
        ("sample_ids", pa.list_(pa.string())),
        *((n, pa.float64()) for n in ("reward_mean", "zero_advantage_share", "loss", "entropy")),
        ("metrics", pa.string()),
        ("created_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer of a training batch, as the trainer saw it."""

    sample_id: str
    reward_id: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    score: Score
    advantage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What all rollouts of a run have in common."""

    run_id: str
    policy_id: str
    """The policy that the run started from."""
    template_id: str
    sampling: Sampling
    seed: int
    group: int
    """Answers to one question."""

    def seed_of(self, step: int) -> int:
        """The seed that the answers of a step are drawn with, whichever process draws them."""
        return int(content_hash([self.run_id, self.seed, step])[:8], 16)


class Telemetry:
    """Rollouts and steps of one run, on their way into the catalog."""

    def __init__(
        self, catalog: Catalog, asked: Asked, parts: Path, *, burst_seconds: float = BURST_SECONDS
    ) -> None:
        self.catalog = catalog
        self.asked = asked
        self.parts = parts
        self.burst_seconds = burst_seconds
        self._answers: list[Answered] = []
        self._attempts: dict[int, tuple[str, int]] = {}
        self._last_burst = time.monotonic()

    def start(self, order: Sequence[Sequence[str]], done: int) -> None:
        """Plan the steps of the run, take in what a killed run left, begin the steps after `done`.

        `order` gives the sample ids of every step; step 1 is the first.
        """
        self.parts.mkdir(parents=True, exist_ok=True)
        units = [
            Unit(
                job=self.asked.run_id,
                kind="train",
                round=step,
                batch=0,
                inputs={
                    "samples": list(ids),
                    "n": self.asked.group,
                    "seed": self.asked.seed_of(step),
                },
            )
            for step, ids in enumerate(order, start=1)
        ]
        with self.catalog.write() as connection:
            ledger.plan(connection, units)
        self.burst()
        with self.catalog.write() as connection:
            self._attempts = ledger.begin_after(connection, self.asked.run_id, done)

    def answered(self, answers: Sequence[Answered]) -> None:
        """Take the answers of the step under way."""
        self._answers.extend(answers)

    def step_done(self, step: int, logs: Mapping[str, Any]) -> None:
        """Write a step and its rollouts as one part; now and then take the parts in."""
        answers, self._answers = self._answers, []
        unit_id, attempt = self._attempts[step]
        tables = evidence_tables(self._rollouts(step, answers), unit_id, attempt)
        row = self._step_row(step, answers, logs) | {"unit_id": unit_id, "attempt": attempt}
        tables["train_steps"] = pa.Table.from_pylist([row], STEP_SCHEMA)
        write_part(self.parts / f"{step:07d}-{attempt}", tables)
        if time.monotonic() - self._last_burst > self.burst_seconds:
            # A catalog that is held elsewhere costs nothing: the parts are safe until the next.
            with suppress(LockTimeout):
                self.burst()

    def burst(self) -> None:
        """Commit all whole parts, each once, and remove them."""
        parts = whole_parts(self.parts)
        if parts:
            with self.catalog.write() as connection:
                for part in parts:
                    _commit_part(connection, part)
        for part in parts:
            shutil.rmtree(part)
        self._last_burst = time.monotonic()

    def _rollouts(self, step: int, answers: Sequence[Answered]) -> list[Rollout]:
        seen: Counter[str] = Counter()
        rollouts = []
        for answer in answers:
            rollouts.append(self._rollout(step, seen[answer.sample_id], answer))
            seen[answer.sample_id] += 1
        return rollouts

    def _rollout(self, step: int, k: int, answer: Answered) -> Rollout:
        asked, score = self.asked, answer.score
        return Rollout(
            sample_id=answer.sample_id,
            policy_id=asked.policy_id,
            template_id=asked.template_id,
            sampling_id=asked.sampling.sampling_id,
            purpose="train",
            origin=asked.run_id,
            round=step,
            k=k,
            sampling=asked.sampling.as_json(),
            seed=asked.seed_of(step),
            completion=answer.text,
            finish_reason=answer.finish_reason,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            reward_id=answer.reward_id,
            value=score.value,
            correct=score.correct,
            reason=score.reason,
            components=score.components,
            step=step,
            # Answers are drawn just before the update that learns from them.
            policy_version=step - 1,
            advantage=answer.advantage,
        )

    def _step_row(
        self, step: int, answers: Sequence[Answered], logs: Mapping[str, Any]
    ) -> dict[str, object]:
        group = self.asked.group
        values = [a.score.value for a in answers if a.score.correct is not None]
        return {
            "run_id": self.asked.run_id,
            "step": step,
            "sample_ids": [answer.sample_id for answer in answers[::group]],
            "reward_mean": sum(values) / len(values) if values else None,
            "zero_advantage_share": zero_advantage_share(answers, group),
            "loss": _finite(logs.get("loss")),
            "entropy": _finite(logs.get("entropy")),
            "metrics": json.dumps({name: _finite(value) for name, value in logs.items()}),
            "created_at": now(),
        }


def zero_advantage_share(answers: Sequence[Answered], group: int) -> float | None:
    """Share of groups whose rewards are all equal: they teach nothing."""
    groups = [answers[start : start + group] for start in range(0, len(answers), group)]
    flat = [len({a.score.value for a in g if a.score.correct is not None}) < 2 for g in groups]
    return sum(flat) / len(flat) if flat else None


def write_part(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write tables as one folder that appears whole or not at all."""
    partial = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, table in tables.items():
        pq.write_table(table, partial / f"{name}.parquet")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def whole_parts(folder: Path) -> list[Path]:
    """The parts that were written to their end, in the order of their steps."""
    return sorted(part for part in folder.glob("[0-9]*-[0-9]*") if part.is_dir())


def _commit_part(connection: Connection, part: Path) -> None:
    tables = {file.stem: pq.read_table(file) for file in sorted(part.glob("*.parquet"))}
    step = tables["train_steps"].to_pylist()[0]
    ledger.commit(connection, step["unit_id"], step["attempt"], tables)


def _finite(value: Any) -> float | None:
    """A number that JSON and SQL can hold, else None."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return None
