"""Ingest, killed at random: run again, it ends as one that nobody disturbed."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import ingest_process
import pytest

from pipelines.workspace import Workspace

FACTS = {
    "samples": "select * exclude (created_at) from samples order by all",
    "sources": "select * exclude (ingested_at, ended_at) from sources order by all",
    "media": "select * from media order by all",
    "sample_media": "select * from sample_media order by all",
    "rejects": "select * exclude (rejected_at) from rejects order by all",
    "corpora": "select * exclude (ingested_at) from corpora order by all",
    "revisions": "select * exclude (read_at) from revisions order by all",
    "candidates": "select * from candidates order by all",
}


def facts(root: Path) -> dict[str, list[dict[str, object]]]:
    with Workspace(root).catalog.read() as connection:
        return {
            name: connection.execute(query).to_arrow_table().to_pylist()
            for name, query in FACTS.items()
        }


def files(root: Path) -> set[str]:
    return {path.name for path in (root / "media").rglob("*") if path.is_file()}


def begun(workspace: Path, corpus: Path) -> "subprocess.Popen[str]":
    script = Path(ingest_process.__file__)
    process = subprocess.Popen(
        [sys.executable, str(script), str(workspace), str(corpus), "r2"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, 20])
def test_killed_at_random_moments_the_catalog_is_that_of_an_undisturbed_run(
    tmp_path: Path, kills: int
) -> None:
    first = ingest_process.write_corpus(tmp_path / "first", 0)
    second = ingest_process.write_corpus(tmp_path / "second", 1)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for workspace in (whole, broken):
        ingest_process.bring_in(workspace, first, "r1")
    started = time.monotonic()
    assert begun(whole, second).wait(timeout=120) == 0
    takes = time.monotonic() - started
    struck = 0
    for _ in range(kills):
        process = begun(broken, second)
        time.sleep(random.uniform(0, takes))
        struck += process.poll() is None
        process.kill()
        process.wait()
    assert struck >= kills / 4, "the work was over before it could be killed"
    assert begun(broken, second).wait(timeout=120) == 0
    assert facts(broken) == facts(whole)
    # What a killed worker had half written is swept away later, when nobody can be writing it.
    assert {name for name in files(broken) if not name.startswith(".tmp-")} == files(whole)
    ended = {row["ended"] for row in facts(broken)["sources"]}
    assert ended == {None, "superseded", "withdrawn"}
