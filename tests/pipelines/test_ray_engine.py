"""Ray on two local workers: the same result as local processes, and nothing lost to a kill."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from engine_work import Batch, doubled, hostile, odd, once_killed, slow_pids
from ingest_process import SHADES, write_corpus
from small_catalog import a_plan, tried

from pipelines.curation.curate import curate
from pipelines.engine import Engine, LocalEngine, engine_named
from pipelines.ingest import ingest
from pipelines.ray_engine import RayEngine
from pipelines.workspace import Workspace

RAY = RayEngine(workers=2)
WHEN = {
    "samples": "created_at",
    "sources": "ingested_at, ended_at",
    "rejects": "rejected_at",
    "corpora": "ingested_at",
    "revisions": "read_at",
    "rollouts": "created_at",
    "datasets": "created_at, path, manifest",
}
"""What says when or where a row was made, by table."""

slow = pytest.mark.slow


@pytest.fixture(autouse=True)
def _workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent to Ray's workers is found there by the name of its module."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


def flat(function: object, batches: list[Batch]) -> list[int | str]:
    results = RAY.map(function, batches, odd)  # type: ignore[arg-type]
    return [item for result in results for item in result]


def tables(workspace: Workspace) -> dict[str, list[dict[str, object]]]:
    catalog = workspace.catalog
    names = catalog.rows(
        "select table_name as name from information_schema.tables "
        "where table_type = 'BASE TABLE' and table_name not in ('schema_version', 'units')"
    )
    return {
        name: catalog.rows(
            f"select * {f'exclude ({WHEN[name]})' if name in WHEN else ''} from {name} order by all"
        )
        for name in (row["name"] for row in names)
    }


def brought_and_curated(root: Path, corpora: tuple[Path, Path], engine: Engine) -> Workspace:
    workspace = Workspace(root, lock_timeout=20)
    for revision, corpus in zip(("r1", "r2"), corpora, strict=True):
        ingest(workspace, SHADES, corpus, revision=revision, engine=engine)
    ids = workspace.catalog.rows("select sample_id from samples order by 1")
    tried(workspace, {row["sample_id"]: i % 9 for i, row in enumerate(ids)})
    curate(workspace, a_plan())
    return workspace


def test_the_engine_is_found_by_its_name_without_starting_anything() -> None:
    assert engine_named("ray", workers=2, address="auto") == RayEngine("auto", 2)
    assert engine_named("local", workers=3) == LocalEngine(3)


@slow
def test_ray_gives_the_catalog_and_the_manifest_that_local_processes_give(tmp_path: Path) -> None:
    corpora = write_corpus(tmp_path / "first", 0), write_corpus(tmp_path / "second", 1)
    here = brought_and_curated(tmp_path / "local", corpora, LocalEngine(2))
    there = brought_and_curated(tmp_path / "ray", corpora, RAY)
    assert tables(there) == tables(here)
    for name in ("small", "small-control"):
        manifests = [
            (w.datasets / name / "1" / "manifest.json").read_bytes() for w in (here, there)
        ]
        assert manifests[0] == manifests[1]
    again = ingest(there, SHADES, corpora[1], revision="r2", engine=RAY)
    assert (again.new, again.superseded, again.withdrawn) == (0, 0, 0)
    assert tables(there) == tables(here)


@slow
def test_what_breaks_its_process_is_lost_alone_and_a_mistake_is_shown(tmp_path: Path) -> None:
    assert flat(doubled, [[i, i + 1] for i in range(0, 20, 2)]) == [2 * i for i in range(20)]
    got = flat(hostile, [[1], [2, "segfault", 3], [4]])
    assert got == [2, 4, "segfault ended its process (-11)", 6, 8]
    with pytest.raises(ValueError, match="the function has a mistake"):
        flat(hostile, [[1], ["error"]])
    assert flat(partial(once_killed, mark=str(tmp_path / "mark")), [[1, 2], [3]]) == [2, 4, 6]


@slow
def test_a_worker_of_the_cluster_that_is_killed_loses_nothing() -> None:
    struck: list[int] = []

    def kill_one() -> None:
        while not struck:
            listed = subprocess.run(
                ["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True
            )
            found = [
                int(line.split()[0])
                for line in listed.stdout.splitlines()
                if "ray::" in line and "MapBatches" in line
            ]
            for pid in found[:1]:
                os.kill(pid, signal.SIGKILL)
                struck.append(pid)
            time.sleep(0.05)

    flat(doubled, [[1]])
    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    assert len(flat(slow_pids, [[i, i] for i in range(30)])) == 60
    assert struck


@slow
def test_a_cluster_that_is_not_there_is_said_in_one_sentence() -> None:
    code = (
        "from pipelines.quiet import library_defaults; library_defaults()\n"
        "from pipelines.ray_engine import RayEngine\n"
        "from pipelines.workspace import Failed\n"
        "try: list(RayEngine('127.0.0.1:1').map(len, [[1]], print))\n"
        "except Failed as error: print('said:', error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "said: no Ray cluster at '127.0.0.1:1'" in shown.stdout
