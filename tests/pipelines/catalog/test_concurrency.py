"""Many processes at once: no error and no lost row. How long they wait is for the benchmark to say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "concurrency.py"


@pytest.mark.parametrize(("readers", "writers", "seconds"), [(4, 2, 4), (12, 4, 60)])
@pytest.mark.slow
def test_readers_and_writers_of_one_catalog_neither_fail_nor_lose(
    readers: int, writers: int, seconds: int
) -> None:
    how = ["--readers", readers, "--writers", writers, "--seconds", seconds]
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), *map(str, how)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])["figures"]
    assert figures["errors"] == 0
    assert figures["lost or doubled rows"] == 0
    assert figures["rows written"] > 0
    assert {"catalog.rows: 99%", "guarded SQL: 99%", "writer's wait: worst"} <= figures.keys()
