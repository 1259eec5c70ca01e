"""Concurrency: twelve processes that read the catalog and four that write it, for a minute.

Every process is a program of its own. Readers ask again as soon as they are answered: half of them as
flows do (`catalog.rows`), half as a person does (guarded SQL, in its process of its own). Writers
commit a unit of 128 keyed rollouts, as telemetry does, and two seconds later the next, on top of
100,000 that are there. No error and no lost row; the limits are 1 s for the 99th percentile of reads,
and 2 s for the wait of any writer. How busy the machine is shows in the first line: twelve readers that
open the file with DuckDB alone, without a lock and without writers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.guarded import guarded
from pipelines.catalog.ledger import Unit, begin, commit, plan
from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace

READ_LIMIT, WAIT_LIMIT = 1.0, 2.0
PAUSE = 2.0
"""Seconds between the bursts of a writer."""
ROWS = 128
BEFORE = 100_000
"""Rollouts that are there when it begins."""
QUESTION = (
    "select purpose, count(*) as n, avg(completion_tokens) as tokens from rollouts group by all"
)


@dataclass
class Told:
    """What one process did."""

    role: str
    seconds: list[float] = field(default_factory=list)
    """Of each read; of each writer's wait for its turn."""
    whole: list[float] = field(default_factory=list)
    """Of each burst of writing, from asking for a turn to the end."""
    rows: int = 0
    """Acknowledged."""
    errors: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--readers", type=int, default=12)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--role", choices=["alone", "rows", "sql", "write"], help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    library_defaults()
    if options.role:
        work(options.role, options.folder, options.number)
        return
    seconds = options.seconds or (6 if options.quick else 60)
    roles = [("rows", "sql")[i % 2] for i in range(options.readers)] + ["write"] * options.writers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Workspace(folder / "w").catalog.write() as connection:
            write_unit(connection, "before", 0, BEFORE)
        alone = together(folder, seconds / 4, ["alone"] * options.readers)
        told = together(folder, seconds, roles)
        show([*alone, *told], seconds, lost(folder, told))


def together(folder: Path, seconds: float, roles: Sequence[str]) -> list[Told]:
    """Start all processes, let them begin at once, and give what they told."""
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "--role", role, "--number", str(i), "--folder", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        for i, role in enumerate(roles)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{seconds}\n")
        process.stdin.flush()
    return [Told(**json.loads(process.communicate()[0])) for process in processes]


def work(role: str, folder: Path, number: int) -> None:
    """Be one of the processes: warm up, wait for the sign, work, tell."""
    catalog = Workspace(folder / "w", lock_timeout=30).catalog
    told = Told(role)
    act: Callable[[int], None] = {
        "alone": lambda _: read(told, lambda: by_itself(catalog.path)),
        "rows": lambda _: read(told, lambda: catalog.rows(QUESTION)),
        "sql": lambda _: read(told, lambda: guarded(catalog, QUESTION).to_pylist()),
        "write": lambda i: write(told, catalog, f"writer-{number}", i),
    }[role]
    if role != "write":
        act(0)
        told.seconds.clear()
    print("ready", flush=True)
    seconds = float(sys.stdin.readline())
    until = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < until:
        turn += 1
        try:
            act(turn)
        except Exception as error:
            told.errors.append(f"{type(error).__name__}: {error}"[:200])
    print(json.dumps(told.__dict__))


def by_itself(path: Path) -> list[dict[str, Any]]:
    """Ask with DuckDB and nothing else, as a reader might who is the only one."""
    with duckdb.connect(path, read_only=True) as connection:
        rows: list[dict[str, Any]] = connection.execute(QUESTION).to_arrow_table().to_pylist()
        return rows


def read(told: Told, ask: Callable[[], list[dict[str, Any]]]) -> None:
    """Ask, time it, and see that what is told is whole units."""
    started = time.perf_counter()
    rows = ask()
    told.seconds.append(time.perf_counter() - started)
    count = sum(row["n"] for row in rows)
    if count < BEFORE or (count - BEFORE) % ROWS:
        told.errors.append(f"read {count} rows, which are not whole units")


def write(told: Told, catalog: Any, name: str, turn: int) -> None:
    """Commit one unit of new rows, and note how long its turn was waited for."""
    started = time.perf_counter()
    with catalog.write() as connection:
        told.seconds.append(time.perf_counter() - started)
        write_unit(connection, name, turn, ROWS)
    told.whole.append(time.perf_counter() - started)
    told.rows += ROWS
    time.sleep(PAUSE)


def write_unit(connection: Any, name: str, turn: int, rows: int) -> None:
    unit = Unit(job=name, kind="score", round=turn, batch=0, inputs={})
    rollouts = [
        Rollout(
            **{"sample_id": f"{k % 999:032x}", "policy_id": "p", "template_id": "t"},
            **{"sampling_id": "s", "purpose": "score", "origin": name, "round": turn, "k": k},
            **{"sampling": {}, "reward_id": "number@1", "value": 1.0, "correct": True},
            **{"completion": "=4", "completion_tokens": 3},
        )
        for k in range(rows)
    ]
    plan(connection, [unit])
    attempt = begin(connection, unit.unit_id)
    commit(connection, unit.unit_id, attempt, evidence_tables(rollouts, unit.unit_id, attempt))


def lost(folder: Path, told: Sequence[Told]) -> int:
    """Give how many acknowledged rows are not there, or are there twice."""
    (row,) = Workspace(folder / "w").catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as ids from rollouts"
    )
    expected = BEFORE + sum(one.rows for one in told)
    return abs(expected - row["n"]) + abs(expected - row["ids"])


def show(told: Sequence[Told], seconds: float, missing: int) -> None:
    print(f"{seconds:g} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'processes':22}{'each':>8}{'median s':>10}{'99% s':>8}{'worst s':>9}")
    figures: dict[str, float] = {}
    for role, name in (
        ("alone", "DuckDB alone"),
        ("rows", "catalog.rows"),
        ("sql", "guarded SQL"),
        ("write", "writer's wait"),
    ):
        some = [one for one in told if one.role == role]
        figures |= line(f"{len(some)} x {name}", name, [one.seconds for one in some])
    line("  its whole burst", "burst", [one.whole for one in told if one.role == "write"])
    errors = [error for one in told for error in one.errors]
    figures |= {"errors": len(errors), "lost or doubled rows": missing}
    figures["rows written"] = sum(one.rows for one in told)
    print(*dict.fromkeys(errors), sep="\n", end="\n" if errors else "")
    print(json.dumps({"benchmark": "concurrency", "figures": figures}))
    reads = max(figures.get(f"{name}: 99%", 0.0) for name in ("catalog.rows", "guarded SQL"))
    if errors or missing or reads > READ_LIMIT or figures["writer's wait: worst"] > WAIT_LIMIT:
        print("beyond its limits" if not errors and not missing else "FAILED", file=sys.stderr)
        sys.exit(bool(errors or missing))


def line(shown: str, name: str, seconds: Sequence[Sequence[float]]) -> dict[str, float]:
    every = sorted(second for some in seconds for second in some)
    if not every:
        return {}
    high = every[min(len(every) - 1, int(0.99 * len(every)))]
    each = statistics.median(len(some) for some in seconds)
    print(f"{shown:22}{each:8g}{statistics.median(every):10.3f}{high:8.3f}{every[-1]:9.3f}")
    return {f"{name}: 99%": round(high, 3), f"{name}: worst": round(every[-1], 3)}


if __name__ == "__main__":
    main()
