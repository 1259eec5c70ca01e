"""`curricle score` as a process: killed at any moment, and asked about by others while it runs."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.workspace import Workspace

CURRICLE = shutil.which("curricle", path=str(Path(sys.executable).parent)) or "curricle"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    for corpus, size in (("digits", 120), ("sums", 60)):
        _run("ingest", corpus, "--size", size, "--workspace", folder)
    return folder


def _run(*words: object) -> str:
    command = [CURRICLE, *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _score(root: Path, policy: Path) -> list[str]:
    options = ["--policy", policy, "--max-tokens", 4, "--cap", 8, "--block", 2]
    return [CURRICLE, "score", *map(str, options), "--workspace", str(root), "--json"]


def _rollouts(root: Path) -> int:
    return int(Workspace(root).catalog.rows("select count(*) as n from rollouts")[0]["n"])


def _killed_and_finished(root: Path, policy: Path, kills: int) -> dict[str, int]:
    for _ in range(kills):
        before = _rollouts(root)
        process = subprocess.Popen(_score(root, policy), stdout=subprocess.DEVNULL)
        while _rollouts(root) == before and process.poll() is None:
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.4))
        process.kill()
        process.wait()
    finished = subprocess.run(_score(root, policy), check=True, capture_output=True)
    done: dict[str, int] = json.loads(finished.stdout)
    return done


@pytest.mark.slow
def test_killed_at_random_moments_the_same_command_finishes_the_work(
    root: Path, quick_policy: Path
) -> None:
    done = _killed_and_finished(root, quick_policy, kills=1)
    catalog = Workspace(root).catalog
    (kept,) = catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as ids, "
        "count(distinct (sample_id, k)) as keys from rollout_status where not superseded"
    )
    assert kept["n"] == kept["ids"] == kept["keys"]
    assert catalog.rows("select count(*) as n from units where status <> 'done'") == [{"n": 0}]
    assert catalog.rows("select count(*) as n from difficulty")[0]["n"] == done["samples"]
    assert catalog.rows("select count(*) as n from grades")[0]["n"] == kept["n"]
    again = json.loads(
        subprocess.run(_score(root, quick_policy), check=True, capture_output=True).stdout
    )
    assert again["rollouts"] == 0


@pytest.mark.slow
def test_sql_answers_while_scoring_runs_and_neither_fails(root: Path, quick_policy: Path) -> None:
    scoring = subprocess.Popen(_score(root, quick_policy), stdout=subprocess.PIPE)
    answers: list[int] = []
    while scoring.poll() is None:
        query = "select count(*) as n from difficulty"
        out = _run("sql", query, "--json", "--workspace", root)
        answers.append(json.loads(out)[0]["n"])
    assert scoring.returncode == 0
    assert len(answers) >= 3
    assert answers == sorted(answers)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_twenty_times_a_sampling_policy_is_estimated_as_if_undisturbed(
    root: Path, tmp_path: Path
) -> None:
    from train.tiny import build_tiny

    policy = build_tiny(tmp_path / "tiny")
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(root, undisturbed)
    _killed_and_finished(root, policy, kills=20)
    _killed_and_finished(undisturbed, policy, kills=0)
    units = "select count(*) as n, count(distinct unit_id) as ids from units where status = 'done'"
    (once,) = Workspace(root).catalog.rows(units)
    assert once["n"] == once["ids"] > 20
    pairs = _estimates(root, undisturbed)
    apart = [
        one for one, other in pairs if one["low"] > other["high"] or one["high"] < other["low"]
    ]
    assert len(apart) <= 0.02 * len(pairs)
    difference = sum(one["mean"] - other["mean"] for one, other in pairs) / len(pairs)
    assert abs(difference) < 0.04


def _estimates(root: Path, other: Path) -> list[tuple[dict[str, float], dict[str, float]]]:
    query = (
        "select sample_id, posterior_mean as mean, ci_low as low, ci_high as high "
        "from difficulty order by sample_id"
    )
    ours, theirs = (Workspace(folder).catalog.rows(query) for folder in (root, other))
    assert [row.pop("sample_id") for row in ours] == [row.pop("sample_id") for row in theirs]
    return list(zip(ours, theirs, strict=True))
