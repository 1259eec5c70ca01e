"""Scoring jobs: evidence in the catalog, blocks that stop, and a job that survives its death."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scripts import asker, filled, sometimes

from pipelines.policies.policy import Request
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace

RATES = [0.0, 1.0, 0.5, 0.25, 0.9]


def job(workspace: Workspace, **settings: int) -> PassRateJob:
    return PassRateJob(
        workspace.catalog,
        asker(workspace, sometimes(RATES * 40)),
        StoppingRule(),
        **settings,
    )


def evidence(workspace: Workspace) -> list[tuple[object, ...]]:
    rows = workspace.catalog.rows(
        "select sample_id, round, k, completion, correct from graded order by all"
    )
    return [tuple(row.values()) for row in rows]


def test_what_is_impossible_or_certain_is_asked_less_than_what_is_between(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 5)
    job(workspace).run(ids)
    rows = workspace.catalog.rows("select sample_id, n, pass_rate from difficulty")
    n = {row["sample_id"]: row["n"] for row in rows}
    assert min(n.values()) < 16 == max(n.values())
    rates = {row["sample_id"]: row["pass_rate"] for row in rows}
    assert (rates[ids[0]], rates[ids[1]]) == (0.0, 1.0)


def test_a_finished_job_asks_nothing_more(workspace: Workspace) -> None:
    ids = filled(workspace, 5)
    first = job(workspace)
    assert first.run(ids).rollouts > 0
    calls = first.asker.policy.calls  # type: ignore[attr-defined]
    again = first.run(ids)
    assert again.rollouts == 0
    assert first.asker.policy.calls == calls  # type: ignore[attr-defined]


def test_evidence_of_another_job_counts(workspace: Workspace) -> None:
    ids = filled(workspace, 5)
    job(workspace, seed=0).run(ids)
    assert job(workspace, seed=1).run(ids).rollouts == 0


@pytest.mark.slow
def test_another_policy_is_asked_for_itself(workspace: Workspace) -> None:
    ids = filled(workspace, 2)
    for name in ("one", "two"):
        who = asker(workspace, sometimes(RATES), name)
        PassRateJob(workspace.catalog, who, StoppingRule()).run(ids)
    policies = workspace.catalog.rows("select distinct policy from difficulty order by all")
    assert [row["policy"] for row in policies] == ["one", "two"]


def test_every_rollout_says_who_was_asked_and_how(workspace: Workspace) -> None:
    job(workspace).run(filled(workspace, 2))
    for row in workspace.catalog.rows("from graded"):
        provenance = ("policy_id", "template_id", "sampling_id", "origin", "seed", "reward_id")
        assert None not in [row[name] for name in provenance]
        assert row["purpose"] == "score"
        assert row["completion_tokens"] > 0
        assert row["sampling"] == '{"max_tokens":40,"stop":[],"temperature":"1","top_p":"1"}'


@pytest.mark.slow
def test_a_job_killed_between_units_gives_the_evidence_of_an_unbroken_one(
    tmp_path: Path,
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    for workspace in (whole, broken):
        filled(workspace, 40)
    ids = filled(whole, 40)
    job(whole, batch=8).run(ids)

    class Killed(Exception):
        pass

    script, asked = sometimes(RATES * 40), 0

    def dies(request: Request, k: int, seed: int) -> str:
        nonlocal asked
        asked += 1
        if asked in (30, 130, 131):
            raise Killed
        return script(request, k, seed)

    for _ in range(10):
        try:
            PassRateJob(broken.catalog, asker(broken, dies), StoppingRule(), batch=8).run(ids)
            break
        except Killed:
            continue
    assert asked > 131
    assert evidence(broken) == evidence(whole)


def test_unscored_answers_do_not_keep_a_job_asking_for_ever(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.rewards import REWARDS, Reward, Score

    def fails(*_: object) -> Score:
        return Score(0.0, None, "the grader failed")

    ids = filled(workspace, 1)
    monkeypatch.setitem(REWARDS, "number", Reward("number", 1, fails))
    summary = job(workspace).run(ids)
    assert summary.rollouts == 16


def test_a_new_grader_grades_old_answers_and_asks_for_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from pipelines.rewards import REWARDS

    ids = filled(workspace, 5)
    first = job(workspace)
    asked = first.run(ids).rollouts
    monkeypatch.setitem(REWARDS, "number", replace(REWARDS["number"], version=99))
    assert first.run(ids).rollouts == 0
    rows = workspace.catalog.rows(
        "select reward_id, sum(n)::integer as n, sum(successes)::integer as s "
        "from difficulty group by all order by all"
    )
    assert [row["n"] for row in rows] == [asked, asked]
    assert rows[0]["s"] == rows[1]["s"]
    assert rows[1]["reward_id"].startswith("number@99")


@pytest.mark.slow
def test_what_others_answered_keeps_the_grades_it_came_with(workspace: Workspace) -> None:
    ids = filled(workspace, 3)
    other = asker(workspace, sometimes(RATES), "other")
    PassRateJob(workspace.catalog, other, StoppingRule()).run(ids)
    with workspace.catalog.write() as connection:
        connection.execute("update grades set reward_id = 'theirs@1'")
    job(workspace).run(ids)
    rows = workspace.catalog.rows("select distinct policy, reward_id from difficulty")
    assert {row["reward_id"] for row in rows if row["policy"] == "other"} == {"theirs@1"}


SCORE = """
import sys, time
from pathlib import Path
from scripts import asker, sometimes
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
script = sometimes([0.0, 1.0, 0.5, 0.25, 0.9] * 40)
def slowly(request, k, seed):
    time.sleep(0.0005)
    return script(request, k, seed)
ids = [row["sample_id"] for row in workspace.catalog.rows("from samples")]
print("asking", flush=True)
PassRateJob(workspace.catalog, asker(workspace, slowly), StoppingRule(), batch=8).run(ids)
"""


@pytest.mark.slow
def test_kill_minus_nine_at_random_moments_loses_nothing_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    for workspace in (whole, broken):
        filled(workspace, 100)
    ids = [row["sample_id"] for row in whole.catalog.rows("from samples")]
    job(whole, batch=8).run(ids)
    command = [sys.executable, "-c", SCORE, str(broken.root)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), "."])}
    for patience in np.random.default_rng().uniform(0.02, 1.0, 3):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"asking\n"
        time.sleep(patience)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True)
    assert evidence(broken) == evidence(whole)
    keys = broken.catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as d from rollouts"
    )
    assert keys[0]["n"] == keys[0]["d"]
