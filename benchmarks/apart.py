"""Contenders in processes of their own: wall and CPU seconds of the work, and the peak of memory."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Apart:
    """The runs of one contender."""

    seconds: list[float]
    cpu_seconds: list[float]
    peak_megabytes: float
    """Most memory that one of its processes had."""
    result: object

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def interleaved(
    script: str, contenders: Mapping[str, Sequence[str]], rounds: int
) -> dict[str, Apart]:
    """Run `script` with the arguments of each contender in turn, `rounds` times."""
    runs: dict[str, list[tuple[float, float, float, object]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, arguments in contenders.items():
            runs[name].append(_run(script, arguments))
    return {
        name: Apart([r[0] for r in own], [r[1] for r in own], max(r[2] for r in own), own[-1][3])
        for name, own in runs.items()
    }


def answer(work: Callable[[], object]) -> None:
    """Do a contender's work and print what it took, for the process that started this one."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    took = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps(took | {"peak": _peak_megabytes(), "result": result}))


def table(timed: Mapping[str, Apart], ours: str) -> None:
    """Print one line for each contender."""
    print(f"{'contender':34}{'median s':>10}{'/ ours':>9}{'CPU s':>9}{'peak MB':>9}")
    for name, t in timed.items():
        print(
            f"{name:34}{t.median:10.2f}{t.median / timed[ours].median:9.2f}"
            f"{statistics.median(t.cpu_seconds):9.2f}{t.peak_megabytes:9.0f}"
        )


def installed(*packages: str) -> bool:
    """Say in one sentence which peers are left out, where a package is missing."""
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        print(f"left out, not installed here: {', '.join(missing)}")
    return not missing


def _peak_megabytes() -> float:
    """Most memory since this program began; `ru_maxrss` would count what started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _run(script: str, arguments: Sequence[str]) -> tuple[float, float, float, object]:
    done = subprocess.run(
        [sys.executable, script, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return told["seconds"], told["cpu"], told["peak"], told["result"]
