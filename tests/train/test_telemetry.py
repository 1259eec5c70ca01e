"""Every answer of a run is in the catalog, as the trainer saw it."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

import pytest
from small_world import Trained

from pipelines.policies.policy import Sampling
from pipelines.rewards import Score
from pipelines.workspace import Workspace
from train.step import Answered, Came, Group, StepFacts
from train.telemetry import Asked, Telemetry, whole_parts, zero_advantage_share


def answered(sample_id: str, value: float, *, correct: bool | None = True) -> Answered:
    return Answered(
        sample_id=sample_id,
        reward_id="text@1",
        text="an answer",
        finish_reason="stop",
        prompt_tokens=3,
        completion_tokens=2,
        score=Score(value, correct, ""),
        reward=value if correct is not None else None,
        advantage=0.0,
    )


def step(number: int, *groups: Sequence[Answered]) -> StepFacts:
    made = [
        Group(
            row=0,
            position=0,
            sample_id=answers[0].sample_id,
            came="planned",
            entered=True,
            answers=answers,
            abs_advantage=float(len({a.score.value for a in answers}) > 1),
        )
        for answers in groups
    ]
    return StepFacts(step=number, steps=3, groups=made, metrics={"loss": 0.5})


def telemetry(workspace: Workspace, parts: Path, **options: float) -> Telemetry:
    asked = Asked(
        run_id="run",
        policy_id="policy",
        template_id="template",
        sampling=Sampling(),
        seed=0,
        group=2,
    )
    return Telemetry(workspace.catalog, asked, parts, **options)


def test_every_rollout_of_every_step_is_stored_once(trained: Trained) -> None:
    row = trained.workspace.catalog.rows(
        "select count(*) as n, count(distinct rollout_id) as distinct_ids, "
        "count(distinct step) as steps, min(completion_tokens) as shortest, "
        "min(prompt_tokens) as prompt, count(distinct finish_reason) as reasons "
        "from graded where purpose = 'train' and origin = ?",
        trained.result.run_id,
    )[0]
    assert row["n"] == row["distinct_ids"] == 14 * 8
    assert row["steps"] == 14
    assert row["shortest"] >= 1
    assert row["prompt"] > 5


def test_stored_advantages_are_those_of_the_stored_rewards(trained: Trained) -> None:
    groups: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for row in trained.workspace.catalog.rows(
        "select step, sample_id, k, reward, advantage from graded "
        "where purpose = 'train' order by step, sample_id, k"
    ):
        key = (row["step"], f"{row['sample_id']}/{row['k'] // 4}")
        groups.setdefault(key, []).append((row["reward"], row["advantage"]))
    assert any(advantage for group in groups.values() for _, advantage in group)
    for group in groups.values():
        rewards = [reward for reward, _ in group]
        expected = [(r - mean(rewards)) / (stdev(rewards) + 1e-4) for r in rewards]
        assert [advantage for _, advantage in group] == pytest.approx(expected, abs=1e-3)


def test_a_step_says_which_weights_answered(trained: Trained) -> None:
    rows = trained.workspace.catalog.rows(
        "select distinct step, policy_version, policy_id from rollouts where purpose = 'train'"
    )
    assert all(row["policy_version"] == row["step"] - 1 for row in rows)
    assert {row["policy_id"] for row in rows} == {trained.result.before.policy_id}  # type: ignore[union-attr]


def test_a_steps_row_sums_its_rollouts_up(trained: Trained) -> None:
    rows = trained.workspace.catalog.rows(
        "select t.*, g.mean from train_steps t join (select step, avg(reward) as mean from graded "
        "where purpose = 'train' group by step) g using (step) order by step"
    )
    assert [row["step"] for row in rows] == list(range(1, 15))
    for row in rows:
        assert row["reward_mean"] == pytest.approx(row["mean"])
        assert math.isfinite(row["loss"])
        assert row["entropy"] > 0
        assert "grad_norm" in row["metrics"]


def test_parts_left_by_a_kill_are_taken_in_once_by_the_next_start(
    workspace: Workspace, tmp_path: Path
) -> None:
    parts = tmp_path / "parts"
    killed = telemetry(workspace, parts, burst_seconds=1e9)
    killed.start(3, done=0)
    for number, name in ((1, "a"), (2, "b")):
        killed.step_done(step(number, [answered(name, 1.0), answered(name, 0.0)]))
    (parts / ".tmp-0000003-1").mkdir()  # half a part
    assert len(whole_parts(parts)) == 2

    telemetry(workspace, parts).start(3, done=1)
    telemetry(workspace, parts).start(3, done=1)
    rows = workspace.catalog.rows(
        "select sample_id, k, attempt, superseded from rollout_status order by sample_id, k"
    )
    assert [(r["sample_id"], r["k"], r["superseded"]) for r in rows] == [
        ("a", 0, False),
        ("a", 1, False),
        ("b", 0, True),
        ("b", 1, True),
    ]
    assert not whole_parts(parts)


def test_an_attempt_that_no_longer_counts_adds_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    thought_dead = telemetry(workspace, tmp_path / "one")
    thought_dead.start(1, done=0)
    telemetry(workspace, tmp_path / "two").start(1, done=0)
    thought_dead.step_done(step(1, [answered("a", 1.0), answered("a", 0.0)]))
    thought_dead.burst()
    assert workspace.catalog.rows("select count(*) as n from rollouts")[0]["n"] == 0


def test_the_same_sample_twice_in_a_step_has_indices_of_its_own(
    workspace: Workspace, tmp_path: Path
) -> None:
    padded = telemetry(workspace, tmp_path / "parts")
    padded.start(1, done=0)
    padded.step_done(
        step(1, *([answered("a", value) for value in two] for two in ((0, 1), (0, 0))))
    )
    padded.burst()
    rows = workspace.catalog.rows("select k, rollout_id from rollouts order by k")
    assert [row["k"] for row in rows] == [0, 1, 2, 3]
    assert len({row["rollout_id"] for row in rows}) == 4


def test_only_planned_groups_count_for_the_share_without_signal() -> None:
    def group(came: Came, *values: float) -> Group:
        return Group(
            row=0,
            position=0,
            sample_id="a",
            came=came,
            entered=True,
            answers=[answered("a", value) for value in values],
            abs_advantage=0.9,  # of a shaped reward, say
        )

    groups = [group("planned", 0, 1), group("planned", 1, 1), group("planned", 0, 0)]
    assert zero_advantage_share([*groups, group("refill", 0, 1), group("replay")]) == 2 / 3
