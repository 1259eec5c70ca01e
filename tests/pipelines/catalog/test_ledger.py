"""Exactly once: units are planned, begun and committed whole; one attempt counts."""

from pipelines.catalog import ledger
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit
from pipelines.workspace import Workspace

UNIT = Unit(job="job", kind="score", round=0, batch=0, inputs={"samples": ["s"], "seed": 1})


def rollout(k: int = 0, *, correct: bool | None = True) -> Rollout:
    return Rollout(
        sample_id="s",
        policy_id="p",
        template_id="t",
        sampling_id="g",
        purpose="score",
        origin="job",
        round=0,
        k=k,
        sampling={"temperature": "1"},
        completion="=4",
        completion_tokens=3,
        reward_id="number@1",
        value=float(bool(correct)),
        correct=correct,
    )


def plan(workspace: Workspace) -> None:
    with workspace.catalog.write() as connection:
        ledger.plan(connection, [UNIT])


def begin(workspace: Workspace) -> int:
    with workspace.catalog.write() as connection:
        return ledger.begin(connection, UNIT.unit_id)


def commit(workspace: Workspace, attempt: int, *rollouts: Rollout) -> bool:
    with workspace.catalog.write() as connection:
        tables = evidence_tables(rollouts, UNIT.unit_id, attempt)
        return ledger.commit(connection, UNIT.unit_id, attempt, tables)


def test_a_unit_is_committed_once(workspace: Workspace) -> None:
    plan(workspace)
    attempt = begin(workspace)
    assert commit(workspace, attempt, rollout())
    assert not commit(workspace, attempt, rollout())
    assert len(workspace.catalog.rows("from rollouts")) == 1


def test_planning_again_changes_nothing(workspace: Workspace) -> None:
    plan(workspace)
    commit(workspace, begin(workspace), rollout())
    plan(workspace)
    assert ledger.pending(workspace.catalog, "job") == []


def test_a_unit_that_died_is_pending_with_the_inputs_it_had(workspace: Workspace) -> None:
    plan(workspace)
    begin(workspace)
    assert ledger.pending(workspace.catalog, "job") == [UNIT]


def test_a_process_thought_dead_cannot_commit_a_second_time(workspace: Workspace) -> None:
    plan(workspace)
    zombie, heir = begin(workspace), begin(workspace)
    assert not commit(workspace, zombie, rollout())
    assert commit(workspace, heir, rollout())
    assert len(workspace.catalog.rows("from rollouts")) == 1


def test_a_redone_unit_supersedes_and_keeps_its_old_rollouts(workspace: Workspace) -> None:
    plan(workspace)
    commit(workspace, begin(workspace), rollout(correct=False))
    commit(workspace, begin(workspace), rollout(correct=True))
    rows = workspace.catalog.rows("select attempt, superseded from rollout_status order by attempt")
    assert [row["superseded"] for row in rows] == [True, False]
    (difficulty,) = workspace.catalog.rows("select n, successes from difficulty")
    assert difficulty == {"n": 1, "successes": 1}


def test_unscored_is_neither_right_nor_wrong(workspace: Workspace) -> None:
    plan(workspace)
    commit(workspace, begin(workspace), rollout(0), rollout(1, correct=None))
    (row,) = workspace.catalog.rows("select n, successes, unscored, pass_rate from difficulty")
    assert row == {"n": 1, "successes": 1, "unscored": 1, "pass_rate": 1.0}


def test_only_purpose_score_enters_difficulty(workspace: Workspace) -> None:
    from dataclasses import replace

    plan(workspace)
    purposes = ("score", "search", "blind", "train", "eval", "noisy", "invariance")
    rows = [replace(rollout(k), purpose=name) for k, name in enumerate(purposes)]
    commit(workspace, begin(workspace), *rows)
    (row,) = workspace.catalog.rows("select n from difficulty")
    assert row["n"] == 1
