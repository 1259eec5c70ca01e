"""Scoring and searching, killed at random: the evidence is that of a run nobody disturbed."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import scoring_process

from pipelines.workspace import Workspace

FACTS = {
    "rollouts": "select sample_id, policy_id, template_id, sampling_id, purpose, origin, round, k, "
    "seed, completion, finish_reason, prompt_tokens, completion_tokens "
    "from rollout_status where not superseded order by all",
    "grades": "select sample_id, purpose, k, reward_id, reward, correct, reason from graded order by all",
    "searches": "select * exclude (unit_id, attempt, created_at) from search_effort order by all",
    "difficulty": "select * exclude (last_asked) from difficulty order by all",
}


def evidence(root: Path) -> dict[str, list[dict[str, object]]]:
    catalog = Workspace(root).catalog
    return {name: catalog.rows(query) for name, query in FACTS.items()}


def units_done(root: Path) -> int:
    rows = Workspace(root).catalog.rows("select count(*) as n from units where status = 'done'")
    return int(rows[0]["n"])


def begun(root: Path) -> "subprocess.Popen[str]":
    script = Path(scoring_process.__file__)
    root_of_all = script.parents[2]
    paths = f"{root_of_all / 'tests' / 'pipelines' / 'scoring'}{os.pathsep}{root_of_all}"
    process = subprocess.Popen(
        [sys.executable, str(script), str(root)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, 20])
def test_killed_at_random_moments_the_tables_are_those_of_an_undisturbed_run(
    tmp_path: Path, kills: int
) -> None:
    scoring_process.score(tmp_path / "whole")
    broken = tmp_path / "broken"
    left: list[int] = []
    struck = 0
    for _ in range(kills):
        process = begun(broken)
        while units_done(broken) == (left or [0])[-1] and process.poll() is None:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 1.5 / kills))
        struck += process.poll() is None
        process.kill()
        process.wait()
        left.append(units_done(broken))
    assert struck >= kills / 2, "the work was over before it could be killed"
    last = begun(broken)
    assert last.wait(timeout=120) == 0
    assert evidence(broken) == evidence(tmp_path / "whole")
    units = Workspace(broken).catalog.rows("select distinct status from units")
    assert units == [{"status": "done"}]
    assert any(0 < count < units_done(broken) for count in left), "never killed while at work"
