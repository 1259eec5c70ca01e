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
import pyarrow.compute as pc

from pipelines.catalog import Catalog, LockTimeout, ledger
from pipelines.catalog.catalog import now
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit
from pipelines.policies.policy import Sampling
from pipelines.record.canonical import content_hash
from train.refill import has_signal
from train.step import Answered, Group, StepFacts

BURST_SECONDS = 20.0
"""Time between two bursts into the catalog: one costs as much as twenty steps' parts."""

GROUP_SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        *((name, pa.int32()) for name in ("step", "attempt")),
        ("unit_id", pa.string()),
        *((name, pa.int32()) for name in ("slot", "position")),
        *((name, pa.string()) for name in ("sample_id", "came")),
        *((name, pa.bool_()) for name in ("entered", "padded")),
        *((name, pa.int32()) for name in ("answers", "graded", "successes")),
        *((f"noisy_{name}", pa.int32()) for name in ("answers", "graded", "successes")),
        *((name, pa.float64()) for name in ("reward_mean", "abs_advantage")),
        ("age", pa.int32()),
    ]
)
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
        self._groups: list[Group] = []
        self._attempts: dict[int, tuple[str, int]] = {}
        self._last_burst = time.monotonic()

    def start(self, steps: int, done: int) -> None:
        """Plan the steps of the run, take in what a killed run left, begin the steps after `done`.

        Which rows a step asks follows from the run's order and its seed; what it did ask stands
        in `train_groups`. Step 1 is the first.
        """
        self.parts.mkdir(parents=True, exist_ok=True)
        run, seed_of = self.asked.run_id, self.asked.seed_of
        units = [
            Unit(
                job=run,
                kind="train",
                round=step,
                batch=0,
                inputs={"n": self.asked.group, "seed": seed_of(step)},
            )
            for step in range(1, steps + 1)
        ]
        with self.catalog.write() as connection:
            ledger.plan(connection, units)
        self.burst()
        with self.catalog.write() as connection:
            self._attempts = ledger.begin_after(connection, run, done)

    def tell(self, groups: Sequence[Group]) -> None:
        """Take the groups of the step under way."""
        self._groups = list(groups)

    def facts(self, step: int, steps: int, logs: Mapping[str, Any]) -> StepFacts:
        """What is known of the step that has just ended."""
        # TRL writes None for what is not a number; a detector must see it.
        known = {name: math.nan if value is None else value for name, value in logs.items()}
        metrics = {k: float(v) for k, v in known.items() if isinstance(v, (int, float))}
        return StepFacts(step=step, steps=steps, groups=self._groups, metrics=metrics)

    def step_done(self, facts: StepFacts, signals: Sequence[Mapping[str, object]] = ()) -> None:
        """Write a step, its groups and rollouts as one part; now and then take the parts in."""
        unit_id, attempt = self._attempts[facts.step]
        unit = {"run_id": self.asked.run_id, "step": facts.step}
        unit |= {"unit_id": unit_id, "attempt": attempt}
        tables = evidence_tables(self._rollouts(facts), unit_id, attempt)
        groups = [unit | _group_row(slot, group) for slot, group in enumerate(facts.groups)]
        tables["train_groups"] = pa.Table.from_pylist(groups, GROUP_SCHEMA)
        tables["train_steps"] = pa.Table.from_pylist([unit | _step_row(facts)], STEP_SCHEMA)
        if signals:
            told = [{**signal, "unit_id": unit_id, "attempt": attempt} for signal in signals]
            tables["signals"] = pa.Table.from_pylist(told)
        write_part(self.parts / f"{facts.step:07d}-{attempt}", tables)
        if time.monotonic() - self._last_burst > self.burst_seconds:
            # A catalog that is held elsewhere costs nothing: the parts are safe until the next.
            with suppress(LockTimeout):
                self.burst()

    def burst(self) -> None:
        """Commit all whole parts, each once, and remove them."""
        parts = whole_parts(self.parts)
        if parts:
            read = [read_part(part) for part in parts]
            steps = [row for tables in read for row in tables["train_steps"].to_pylist()]
            names = {name for tables in read for name in tables}
            joined = {
                name: pa.concat_tables([tables[name] for tables in read if name in tables])
                for name in names
            }
            # Of two attempts at a step the later one is current, so it alone is kept.
            attempts = {row["unit_id"]: row["attempt"] for row in steps}
            current = {name: _of_attempts(table, attempts) for name, table in joined.items()}
            with self.catalog.write() as connection:
                ledger.commit_all(connection, attempts, current)
        for part in parts:
            shutil.rmtree(part)
        self._last_burst = time.monotonic()

    def _rollouts(self, facts: StepFacts) -> list[Rollout]:
        seen: Counter[tuple[str, str]] = Counter()
        rollouts = []
        for answer in facts.answers:
            purpose = "train" if answer.view is None else "noisy"
            place = (answer.sample_id, purpose)
            rollouts.append(self._rollout(facts.step, purpose, seen[place], answer))
            seen[place] += 1
        return rollouts

    def _rollout(self, step: int, purpose: str, k: int, answer: Answered) -> Rollout:
        asked, score = self.asked, answer.score
        return Rollout(
            sample_id=answer.sample_id,
            policy_id=asked.policy_id,
            template_id=answer.template_id or asked.template_id,
            sampling_id=asked.sampling.sampling_id,
            purpose=purpose,
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
            view=answer.view,
            advantage=answer.advantage,
        )


def _group_row(slot: int, group: Group) -> dict[str, object]:
    plain = [a for a in group.answers if a.view is None]
    noisy = [a for a in group.answers if a.view is not None]
    rewards = [a.reward for a in group.answers if a.reward is not None]
    return {
        "slot": slot,
        "position": group.position,
        "sample_id": group.sample_id,
        "came": group.came,
        "entered": group.entered,
        "padded": group.padded,
        **_counts(plain, ""),
        **_counts(noisy, "noisy_"),
        "reward_mean": sum(rewards) / len(rewards) if rewards else None,
        "abs_advantage": group.abs_advantage,
        "age": group.age,
    }


def _counts(answers: Sequence[Answered], prefix: str) -> dict[str, object]:
    graded = [a.score.correct for a in answers if a.score.correct is not None]
    counts = {"answers": len(answers), "graded": len(graded), "successes": sum(graded)}
    return {prefix + name: count for name, count in counts.items()}


def _step_row(facts: StepFacts) -> dict[str, object]:
    values = [a.score.value for a in facts.answers if a.score.correct is not None]
    return {
        "sample_ids": [group.sample_id for group in facts.groups if group.entered],
        "reward_mean": sum(values) / len(values) if values else None,
        "zero_advantage_share": zero_advantage_share(facts.groups),
        "loss": _finite(facts.metrics.get("loss")),
        "entropy": _finite(facts.metrics.get("entropy")),
        "metrics": json.dumps(
            {name: _finite(value) for name, value in ({**facts.metrics, **shares(facts)}).items()}
        ),
        "created_at": now(),
    }


def zero_advantage_share(groups: Sequence[Group]) -> float | None:
    """Share of the planned groups to which the verifier gave one value: they teach nothing.

    What is added to the rewards does not count: it would hide what was predicted.
    """
    flat = [not has_signal(group.answers, "reward") for group in groups if group.came == "planned"]
    return sum(flat) / len(flat) if flat else None


def shares(facts: StepFacts) -> dict[str, float]:
    """What TRL does not log: how plain and noisy answers did, and where groups came from."""
    answers = facts.answers
    counts = Counter(group.came for group in facts.groups)
    found = {
        "groups/refill": float(counts["refill"]),
        "groups/replay": float(counts["replay"]),
        "groups/left_out": float(sum(not g.entered and g.came != "replay" for g in facts.groups)),
    }
    for name, kind in (("plain", False), ("noisy", True)):
        graded = [
            float(a.score.correct)
            for a in answers
            if (a.view is not None) is kind and a.score.correct is not None
        ]
        if graded:
            found[f"accuracy/{name}"] = sum(graded) / len(graded)
    return found


def write_part(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write tables as one folder that appears whole or not at all."""
    partial = folder.with_name(f".tmp-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, table in tables.items():
        with pa.OSFile(str(partial / f"{name}.arrow"), "wb") as file:
            writer = pa.ipc.new_file(file, table.schema)
            writer.write_table(table)
            writer.close()
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def whole_parts(folder: Path) -> list[Path]:
    """The parts that were written to their end, in the order of their steps."""
    return sorted(part for part in folder.glob("[0-9]*-[0-9]*") if part.is_dir())


def read_part(folder: Path) -> dict[str, pa.Table]:
    """Read the tables of a part, by name."""
    return {
        file.stem: pa.ipc.open_file(pa.py_buffer(file.read_bytes())).read_all()
        for file in sorted(folder.glob("*.arrow"))
    }


def _of_attempts(table: pa.Table, attempts: Mapping[str, int]) -> pa.Table:
    wanted = pa.array([attempts[unit] for unit in table["unit_id"].to_pylist()], pa.int32())
    return table.filter(pc.equal(table["attempt"], wanted))


def _finite(value: Any) -> float | None:
    """A number that JSON and SQL can hold, else None."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return None
