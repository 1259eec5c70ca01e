"""What every benchmark shares: contenders interleaved in one run, ratios, a table, a JSON line."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# This folder comes last: it has a flows.py of its own.
sys.path.sort(key=lambda path: Path(path).resolve() == Path(__file__).parent)

Contender = Callable[[], object]
"""Does the work and gives what it came to, so that contenders can be held to the same."""


@dataclass(frozen=True)
class Timed:
    """The runs of one contender."""

    seconds: list[float]
    cpu_seconds: list[float]
    result: object

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def interleaved(contenders: Mapping[str, Contender], rounds: int) -> dict[str, Timed]:
    """Run all contenders in turn, `rounds` times, and check that they did the same work."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    results: dict[str, object] = {}
    for _ in range(rounds):
        for name, contender in contenders.items():
            wall, cpu = time.perf_counter(), _cpu()
            results[name] = contender()
            runs[name].append((time.perf_counter() - wall, _cpu() - cpu))
    if len({repr(result) for result in results.values()}) > 1:
        raise AssertionError(f"the contenders did different work: {results}")
    return {
        name: Timed([w for w, _ in times], [c for _, c in times], results[name])
        for name, times in runs.items()
    }


def report(name: str, timed: Mapping[str, Timed], *, ours: str, limit: str) -> None:
    """Print the table, and as the last line one JSON object with the ratios."""
    peers = {key: t.median for key, t in timed.items() if key not in (ours, limit)}
    best = min(peers.values(), default=timed[ours].median)
    print(
        f"{'contender':28}{'median s':>10}{'/ ours':>9}{'/ best peer':>13}{'/ limit':>9}{'CPU s':>8}"
    )
    for key, t in timed.items():
        print(
            f"{key:28}{t.median:10.2f}{t.median / timed[ours].median:9.2f}"
            f"{t.median / best:13.2f}{t.median / timed[limit].median:9.2f}"
            f"{statistics.median(t.cpu_seconds):8.2f}"
        )
    print(f"peak memory of the whole run: {peak_megabytes():.0f} MB")
    figures = {
        "ours/best peer": round(timed[ours].median / best, 3),
        "ours/limit": round(timed[ours].median / timed[limit].median, 3),
    }
    finish(name, figures)


def finish(name: str, figures: Mapping[str, object]) -> None:
    """Print the last line that a reader of many benchmarks looks for."""
    print(json.dumps({"benchmark": name, "figures": figures}))


def peak_megabytes() -> float:
    """Most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
