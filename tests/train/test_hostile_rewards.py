"""Whatever a reward does, training ends, says what happened and keeps its weights finite."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_world import settings, use_early_letters
from transformers import AutoModelForImageTextToText

from pipelines.record.sample import Reference
from pipelines.rewards import REWARDS, Reward, Score
from pipelines.workspace import Workspace
from train.launch import train

STEPS = 6
EIGHT = {"max_steps": STEPS, "prompts_per_step": 8, "eval_samples": 0}
"""Detectors want 32 groups before they say anything: four steps."""
Judge = Callable[[Reference, str], Score]


def value(number: float) -> Judge:
    return lambda _reference, _completion: Score(number, True, "")


def raising(_reference: Reference, _completion: str) -> Score:
    raise RuntimeError("the grader is broken")


def hostile(workspace: Workspace, start: Path, judge: Judge, **changes: Any) -> Any:
    with use_early_letters():
        REWARDS["text"] = Reward("hostile", 1, judge)
        result = train(workspace, settings(start, **EIGHT | changes))
    model = AutoModelForImageTextToText.from_pretrained(result.checkpoint)
    assert all(p.isfinite().all() for p in model.parameters())
    return result


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        pytest.param(value(math.inf), "not finite", marks=pytest.mark.slow),
        (value(math.nan), "not finite"),
        pytest.param(raising, "the grader is broken", marks=pytest.mark.slow),
    ],
    ids=["infinite", "nan", "raising"],
)
def test_a_reward_that_gives_no_number_leaves_every_answer_ungraded(
    judge: Judge, reason: str, fresh: Workspace, start: Path
) -> None:
    hostile(fresh, start, judge)
    rows = fresh.catalog.rows("select distinct correct, reason from graded where purpose = 'train'")
    assert [row["correct"] for row in rows] == [None]
    assert reason in rows[0]["reason"]
    signals = fresh.catalog.rows("select distinct signature from signals")
    assert "ungraded" in {row["signature"] for row in signals}


@pytest.mark.slow
def test_equal_rewards_teach_nothing_and_the_run_says_so(fresh: Workspace, start: Path) -> None:
    loud = {"vanishing_advantages": {"window": 1}}
    result = hostile(fresh, start, value(1.0), signals=loud)
    assert result.zero_advantage_share == 1
    rows = fresh.catalog.rows("select signature, decision from signals")
    assert {"signature": "vanishing_advantages", "decision": "warn"} in rows


def test_a_signal_may_stop_the_run_which_is_then_over(fresh: Workspace, start: Path) -> None:
    stop = {"vanishing_advantages": {"window": 1, "action": "stop"}}
    result = hostile(fresh, start, value(1.0), signals=stop)
    assert result.steps == 4 < STEPS
    assert fresh.catalog.rows("select status from runs") == [{"status": "halted"}]
    with use_early_letters():
        REWARDS["text"] = Reward("hostile", 1, value(1.0))
        again = train(fresh, settings(start, **EIGHT, signals=stop))
    assert again.found_done


@pytest.mark.slow
def test_a_signal_may_turn_dynamic_sampling_on(fresh: Workspace, start: Path) -> None:
    turn = {"vanishing_advantages": {"window": 1, "action": "switch", "switch": "refill"}}
    hostile(fresh, start, value(1.0), signals=turn, prompts_per_step=3, max_steps=20)
    steps = fresh.catalog.rows("select distinct step from train_groups where came = 'refill'")
    assert min(row["step"] for row in steps) > 32 // 3
