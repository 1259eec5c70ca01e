"""No reward can hang, raise, or hand the optimiser what it cannot use."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Answer, Reference
from pipelines.rewards import REWARDS, Grading, Reward, Score
from pipelines.rewards.own import reward_in_file
from train.rewards import BOUND, TrainingReward, bounded

REFERENCE = Reference(Answer.text("yes"))
Grader = Callable[[Reference, str], Score]


def trained_on(reward: TrainingReward, *texts: str) -> list[float | None]:
    return reward(
        completions=[[{"role": "assistant", "content": text}] for text in texts],
        completion_ids=[[1]] * len(texts),
        reference=[canonical_json(REFERENCE.as_json())] * len(texts),
        trainer_state=None,
    )


@pytest.fixture
def graded_by(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float | None]]:
    def run(grader: Grader, *texts: str) -> list[float | None]:
        monkeypatch.setitem(REWARDS, "text", Reward("odd", 1, grader))
        return trained_on(TrainingReward(), *texts)

    return run


def test_a_reward_that_raises_leaves_the_answer_unscored(
    graded_by: Callable[..., list[float | None]],
) -> None:
    def grader(_reference: Reference, text: str) -> Score:
        return Score(float(text), True, "")

    assert graded_by(grader, "1", "not a number", "0.5") == [1.0, None, 0.5]


def test_a_reward_that_hangs_costs_one_answer_and_not_the_run(tmp_path: Path) -> None:
    path = tmp_path / "slow.py"
    path.write_text(
        "from pipelines.rewards import Score\n"
        "def grader(reference, completion):\n"
        "    while completion == 'slow': pass\n"
        "    return Score(1.0, True, '')\n"
    )
    own = reward_in_file("slow", path, "grader", seconds=0.5)
    own.grade(REFERENCE, "quick")  # the worker is up
    began = time.monotonic()
    rewards = trained_on(TrainingReward(Grading(own)), "quick", "slow", "quick")
    assert rewards == [1.0, None, 1.0]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_value_that_is_not_finite_is_unscored(
    value: float, graded_by: Callable[..., list[float | None]]
) -> None:
    assert graded_by(lambda _reference, _text: Score(value, True, ""), "x") == [None]


def test_a_value_is_bounded(graded_by: Callable[..., list[float | None]]) -> None:
    assert graded_by(lambda _reference, _text: Score(1e30, True, ""), "x") == [BOUND]
    assert bounded(Score(-1e30, False, "")).value == -BOUND


def test_an_unscored_answer_is_none_and_never_zero(
    graded_by: Callable[..., list[float | None]],
) -> None:
    assert graded_by(lambda _reference, _text: Score(0.0, None, "no idea"), "x") == [None]


def test_the_last_batch_is_kept_for_telemetry_once() -> None:
    reward = TrainingReward()
    known = json.dumps(Reference(Answer.number(3)).as_json())
    reward(completions=["=3", "=4"], completion_ids=[[5, 6], [7]], reference=[known, known])
    batch = reward.take()
    assert [(g.text, list(g.token_ids), g.score.correct) for g in batch] == [
        ("=3", [5, 6], True),
        ("=4", [7], False),
    ]
    assert reward.take() == []
