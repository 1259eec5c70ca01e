"""What each set shows, and what it leaves out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from small_world import filled, freeze, question, store, use_early_letters

from pipelines.policies.policy import Request, Sampling
from pipelines.policies.render import GREY
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.showing import render_view
from pipelines.policies.templates import TEMPLATES
from pipelines.record.sample import Sample
from pipelines.workspace import Workspace, WrongUse
from train.evaluation.measure import Evaluation, evaluate
from train.evaluation.sets import Before, MeasuredSet, before_of, measured_sets
from train.evaluation.settings import EvaluationSettings
from train.evaluation.suite import accuracies
from train.noisy import noisy_view

PLAIN = TEMPLATES["plain"]
EVERY = EvaluationSettings(sets=("held-out", "noisy", "blind"))


@pytest.fixture
def tested(workspace: Workspace) -> Iterator[Workspace]:
    store(workspace, [question(i, picture=i < 4, split="test") for i in range(9)])
    with use_early_letters():
        yield workspace


def chosen(workspace: Workspace, settings: EvaluationSettings = EVERY) -> dict[str, MeasuredSet]:
    sets = measured_sets(workspace, settings, where="", limit=100, seed=0)
    return {one.name: one for one in sets}


def pictures(workspace: Workspace, one: MeasuredSet) -> dict[str, np.ndarray[Any, Any]]:
    """What a policy is shown of each sample with a picture."""
    shown = {}
    for sample in one.samples:
        view = one.views.get(sample.sample_id, {})
        request = render_view(sample, view, PLAIN, workspace.media.read, frozenset({"image"}))
        if request.images:
            shown[sample.sample_id] = np.asarray(request.images[0])
    return shown


def measure(workspace: Workspace, policy: ScriptedPolicy, one: MeasuredSet) -> Evaluation:
    return evaluate(workspace, policy, one, PLAIN, Sampling(max_tokens=6), n=2, seed=0)


def test_noisy_and_blind_hold_the_held_out_samples_that_have_media(tested: Workspace) -> None:
    sets = chosen(tested)
    assert [len(one.samples) for one in sets.values()] == [9, 4, 4]
    assert pictures(tested, sets["noisy"]).keys() == pictures(tested, sets["held-out"]).keys()


def test_blind_shows_grey_of_the_same_size(tested: Workspace) -> None:
    sets = chosen(tested)
    plain, blind = pictures(tested, sets["held-out"]), pictures(tested, sets["blind"])
    assert len(blind) == 4
    for key, seen in blind.items():
        assert seen.shape == plain[key].shape
        assert (seen == np.array(GREY)).all()


def test_noise_comes_back_and_is_none_that_training_draws(tested: Workspace) -> None:
    plain, first = pictures(tested, chosen(tested)["held-out"]), chosen(tested)["noisy"]
    noisy = pictures(tested, first)
    again = pictures(tested, chosen(tested)["noisy"])
    for key, seen in noisy.items():
        assert (seen == again[key]).all()
        assert (seen != plain[key]).mean() > 0.9
    for sample in first.samples:
        trained = [noisy_view(sample, 450, 0, step) for step in range(100)]
        assert first.views[sample.sample_id] not in trained


def test_stronger_noise_is_another_set(tested: Workspace) -> None:
    weak = chosen(tested, EvaluationSettings(sets=("noisy",), noise=50))["noisy"]
    plain = pictures(tested, chosen(tested)["held-out"])
    strong, less = pictures(tested, chosen(tested)["noisy"]), pictures(tested, weak)
    for key, seen in plain.items():
        off = [np.abs(one[key].astype(int) - seen).mean() for one in (less, strong)]
        assert off[0] < off[1] / 3


def test_each_set_is_asked_as_it_is_shown_under_a_job_of_its_own(tested: Workspace) -> None:
    def looks(request: Request, k: int, seed: int) -> str:
        flat = request.images and np.asarray(request.images[0]).std() == 0
        return "zzz" if flat else "aaa"

    policy = ScriptedPolicy(looks)
    found = {name: measure(tested, policy, one) for name, one in chosen(tested).items()}
    assert {name: one.accuracy for name, one in found.items()} == {
        "held-out": 1.0,
        "noisy": 1.0,
        "blind": 0.0,
    }
    assert len({one.job for one in found.values()}) == 3
    rows = tested.catalog.rows("select purpose, view is null as plain, origin from rollouts")
    assert {row["purpose"] for row in rows} == {"eval"}
    assert {row["origin"] for row in rows if row["plain"]} == {found["held-out"].job}
    calls = policy.calls
    assert {name: measure(tested, policy, one) for name, one in chosen(tested).items()} == found
    assert policy.calls == calls


def test_looking_is_measured_on_the_samples_that_are_asked_blind(tested: Workspace) -> None:
    policy = ScriptedPolicy(lambda request, k, seed: "aaa" if request.images else "zzz")
    found = {name: measure(tested, policy, one) for name, one in chosen(tested).items()}
    rates = accuracies(tested.catalog, found)
    assert rates["held-out"] == pytest.approx(4 / 9)  # five questions have no media
    assert rates["held-out with media"] == rates["blind"] == 1.0


def test_an_evaluation_of_a_view_that_died_goes_on_with_the_same_views(tested: Workspace) -> None:
    noisy = chosen(tested)["noisy"]

    def dies(_request: Request, _k: int, _seed: int) -> str:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        measure(tested, ScriptedPolicy(dies), noisy)
    assert measure(tested, ScriptedPolicy(lambda *_: "aaa"), noisy).answers == 8
    stored = tested.catalog.rows("select distinct view::varchar as view from rollouts")
    assert len(stored) == 4


@pytest.mark.slow
def test_retention_is_what_was_solved_and_is_not_trained_on(workspace: Workspace) -> None:
    with use_early_letters():
        filled(workspace.root)  # everything is answered right every second time
        freeze(workspace, where="task = 'say/picture'")
        before = before_of(workspace.catalog, "nobody", "say@1")
        assert before is not None
        kept = retained(workspace, before)
        # Tests of the task that is not trained on; training samples were not solved surely.
        assert {(one.split, one.task) for one in kept} == {("test", "say/text")}
        solve(workspace)
        assert retained(workspace, before) == kept  # evidence that came after the freeze
        freeze(workspace, name="later", where="task = 'say/picture'")
        later = Before(dataset="later", version=1, policy_id=before.policy_id)
        splits = {(one.split, one.task) for one in retained(workspace, later)}
        assert splits == {("test", "say/text"), ("train", "say/text")}


def test_retention_without_a_dataset_is_refused(tested: Workspace) -> None:
    with pytest.raises(WrongUse, match="--dataset"):
        chosen(tested, EvaluationSettings(sets=("retention",)))
    with pytest.raises(WrongUse, match="there is no dataset 'nothing@1'"):
        before_of(tested.catalog, "nobody", "nothing@1")
    assert before_of(tested.catalog, "nobody") is None


def retained(workspace: Workspace, before: Before) -> list[Sample]:
    sets = measured_sets(
        *(workspace, EvaluationSettings(sets=("retention",))),
        where="",
        limit=100,
        seed=0,
        before=before,
    )
    return list(sets[0].samples)


def solve(workspace: Workspace) -> None:
    """Let `nobody` answer every training sample right in scoring."""
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into rollouts by name select 'r' || range || sample_id as rollout_id, "
            "1 as attempt, sample_id, 'nobody' as policy_id, 'score' as purpose, 'by hand' as origin, "
            "now()::timestamp as created_at from range(8), sources where split = 'train'"
        )
        connection.execute(
            "insert into grades by name select rollout_id, (select any_value(reward_id) from grades) "
            "as reward_id, 1.0 as value, true as correct from rollouts where policy_id = 'nobody'"
        )
