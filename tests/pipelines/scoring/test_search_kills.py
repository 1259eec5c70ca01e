"""Searches killed at any moment: what is there in the end is what an undisturbed run leaves."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scripts import asker, filled, stepwise, tables

from pipelines.policies.policy import Request
from pipelines.scoring.search import SearchJob
from pipelines.scoring.tree import Mode, SearchRule
from pipelines.workspace import Workspace

RATES = [0.0, 1.0, 0.5, 0.05, 0.3]
SAMPLES = 25


class Killed(Exception):
    """Stands in for a kill: nobody catches it."""


def job(workspace: Workspace, mode: Mode, script: object, store_every: float = 0.0) -> SearchJob:
    return SearchJob(
        workspace.catalog,
        asker(workspace, script),  # type: ignore[arg-type]
        SearchRule(mode=mode, iterations=12),
        batch=8,
        store_every=store_every,
    )


@pytest.mark.parametrize(
    ("mode", "store_every"),
    [
        pytest.param("value", 0.05, marks=pytest.mark.slow),
        pytest.param("first-success", 0.0, marks=pytest.mark.slow),
        pytest.param("first-success", 0.05, marks=pytest.mark.slow),
        pytest.param("faithful", 0.05, marks=pytest.mark.slow),
    ],
)
def test_a_search_killed_again_and_again_ends_as_an_undisturbed_one(
    tmp_path: Path, mode: Mode, store_every: float
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    filled(broken, SAMPLES)
    ids = filled(whole, SAMPLES)
    script = stepwise(RATES * SAMPLES)
    job(whole, mode, script, store_every=10.0).run(ids)
    asked, rng = 0, np.random.default_rng(len(mode))
    deaths = set(np.cumsum(rng.integers(10, 50, 20)).tolist())

    def dies(request: Request, k: int, seed: int) -> str:
        nonlocal asked
        asked += 1
        if asked in deaths:
            raise Killed
        return script(request, k, seed)

    died = 0
    for _ in range(30):
        try:
            job(broken, mode, dies, store_every).run(ids)
            break
        except Killed:
            died += 1
    assert died >= 8
    assert tables(broken) == tables(whole)


SEARCH = """
import sys, time
from pathlib import Path
from scripts import stepwise
from test_search_kills import RATES, SAMPLES, job
from pipelines.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
script = stepwise(RATES * SAMPLES)
def slowly(request, k, seed):
    time.sleep(0.001)
    return script(request, k, seed)
ids = [row["sample_id"] for row in workspace.catalog.rows("from samples")]
print("asking", flush=True)
job(workspace, "value", slowly, store_every=0.05).run(ids)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, 20])
def test_kill_minus_nine_at_random_moments_of_a_search_loses_nothing_and_doubles_nothing(
    tmp_path: Path, kills: int
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    filled(broken, SAMPLES)
    ids = filled(whole, SAMPLES)
    job(whole, "value", stepwise(RATES * SAMPLES)).run(ids)
    command = [sys.executable, "-c", SEARCH, str(broken.root)]
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, "."])}
    for patience in np.random.default_rng().uniform(0.02, 0.5, kills):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"asking\n"
        time.sleep(patience)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True)
    assert tables(broken) == tables(whole)
    keys = broken.catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as d from rollouts"
    )
    assert keys[0]["n"] == keys[0]["d"]
