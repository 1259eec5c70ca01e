"""Held-out accuracy: asked once, read back ever after."""

from collections.abc import Iterator

import numpy as np
import pytest
from small_world import filled, question, store, use_early_letters

from pipelines.policies.policy import Sampling
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.workspace import Workspace, WrongUse
from train.evaluation.intervals import bootstrap
from train.evaluation.measure import Evaluation, evaluate
from train.evaluation.sets import held_out

PLAIN = TEMPLATES["plain"]


def half_right(_request: object, k: int, _seed: int) -> str:
    return "aaa" if k % 2 else "zzz"


def measure(workspace: Workspace, policy: ScriptedPolicy, **options: object) -> Evaluation:
    samples = held_out(workspace, "", 100, 0)
    usual = {"n": 4, "seed": 0} | options
    return evaluate(workspace, policy, samples, PLAIN, Sampling(max_tokens=6), **usual)  # type: ignore[arg-type]


@pytest.fixture
def tested(workspace: Workspace) -> Iterator[Workspace]:
    store(workspace, [question(i, picture=i < 3, split="test") for i in range(9)])
    with use_early_letters():
        yield workspace


def test_accuracy_is_over_all_graded_answers_and_by_task(tested: Workspace) -> None:
    found = measure(tested, ScriptedPolicy(half_right))
    assert found.accuracy == 0.5
    assert (found.samples, found.answers, found.unscored) == (9, 36, 0)
    assert found.by_task == {"say/picture": 0.5, "say/text": 0.5}
    rows = tested.catalog.rows("select purpose, origin, count(*) as n from rollouts group by all")
    assert rows == [{"purpose": "eval", "origin": found.job, "n": 36}]


def test_the_same_evaluation_is_read_back_and_not_asked_again(tested: Workspace) -> None:
    policy = ScriptedPolicy(half_right)
    first, calls = measure(tested, policy), policy.calls
    assert measure(tested, policy) == first
    assert policy.calls == calls
    assert measure(tested, policy, seed=1).job != first.job
    assert measure(tested, policy, origin="another").job != first.job
    assert policy.calls == 3 * calls


def test_an_evaluation_that_died_goes_on(tested: Workspace) -> None:
    def dies(_request: object, _k: int, _seed: int) -> str:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        measure(tested, ScriptedPolicy(dies))
    assert measure(tested, ScriptedPolicy(half_right)).answers == 36


def test_evaluations_are_not_difficulty(tested: Workspace) -> None:
    measure(tested, ScriptedPolicy(half_right))
    assert tested.catalog.rows("select count(*) as n from difficulty")[0]["n"] == 0


def test_held_out_samples_come_from_the_test_split_alone(workspace: Workspace) -> None:
    filled(workspace.root)
    samples = held_out(workspace, "", 100, 0)
    assert len(samples) == 9
    assert {sample.split for sample in samples} == {"test"}
    some = held_out(workspace, "task = 'say/text'", 2, 0)
    assert [sample.task for sample in some] == ["say/text"] * 2
    assert held_out(workspace, "", 4, 1) == held_out(workspace, "", 4, 1)
    assert held_out(workspace, "", 4, 1) != held_out(workspace, "", 4, 2)


def test_a_wrong_condition_is_named(workspace: Workspace) -> None:
    filled(workspace.root)
    with pytest.raises(WrongUse, match="no_such_column"):
        held_out(workspace, "no_such_column = 1", 5, 0)


def test_the_interval_resamples_samples_and_not_answers() -> None:
    right, n = np.array([4] * 50 + [0] * 50), np.full(100, 4)
    low, high = bootstrap(right, n)
    # As wide as 100 coin tosses make it, not 400.
    assert (low, high) == pytest.approx((0.4, 0.6), abs=0.02)
    assert bootstrap(np.zeros(5, np.int64), np.zeros(5, np.int64)) == (0.0, 1.0)
