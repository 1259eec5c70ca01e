"""Two policies on the same samples: the difference, and how sure it is."""

from collections.abc import Iterator

import numpy as np
import pytest
from small_world import question, store, use_early_letters

from pipelines.policies.policy import Request, Sampling
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.workspace import Workspace
from train.evaluation.comparison import compare, difference_of
from train.evaluation.intervals import bootstrap, paired_bootstrap
from train.evaluation.measure import Evaluation, evaluate
from train.evaluation.sets import held_out


@pytest.fixture
def tested(workspace: Workspace) -> Iterator[Workspace]:
    store(workspace, [question(i, picture=i < 10, split="test") for i in range(20)])
    with use_early_letters():
        yield workspace


def measure(workspace: Workspace, policy: ScriptedPolicy, where: str = "") -> Evaluation:
    samples = held_out(workspace, where, 100, 0)
    return evaluate(
        workspace, policy, samples, TEMPLATES["plain"], Sampling(max_tokens=6), n=4, seed=0
    )


def always(text: str, name: str) -> ScriptedPolicy:
    return ScriptedPolicy(lambda *_: text, name)


def sighted(request: Request, k: int, _seed: int) -> str:
    return "aaa" if request.images or k % 2 else "zzz"


def test_a_policy_gains_exactly_nothing_over_itself(tested: Workspace) -> None:
    found = measure(tested, ScriptedPolicy(sighted, "sighted"))
    same = compare(tested.catalog, found, found)
    assert (same.over_all.difference, same.over_all.low, same.over_all.high) == (0.0, 0.0, 0.0)
    assert same.over_all.samples == 20
    assert not same.over_all.sure


def test_the_difference_is_the_second_less_the_first_and_by_task(tested: Workspace) -> None:
    first, second = (
        measure(tested, policy)
        for policy in (always("zzz", "wrong"), ScriptedPolicy(sighted, "sighted"))
    )
    gain = compare(tested.catalog, first, second)
    assert (gain.over_all.first, gain.over_all.second) == (0.0, 0.75)
    assert {task: one.difference for task, one in gain.by_task.items()} == {
        "say/picture": 1.0,
        "say/text": 0.5,
    }
    assert gain.over_all.sure
    back = compare(tested.catalog, second, first).over_all
    assert back.difference == -0.75
    assert (back.low, back.high) == pytest.approx((-gain.over_all.high, -gain.over_all.low))  # type: ignore[operator]


def test_only_what_both_were_asked_counts(tested: Workspace) -> None:
    everything = measure(tested, always("aaa", "right"))
    pictures = measure(tested, ScriptedPolicy(sighted, "sighted"), "task = 'say/picture'")
    found = compare(tested.catalog, everything, pictures)
    assert (found.over_all.samples, found.over_all.difference) == (10, 0.0)


def test_few_samples_give_no_interval() -> None:
    row = {"first_n": 4, "first_successes": 1, "second_n": 4, "second_successes": 3}
    few = difference_of([row] * 7)
    assert (few.difference, few.low, few.high) == (0.5, None, None)
    assert difference_of([row] * 8).low is not None


def test_the_paired_interval_covers_the_true_difference() -> None:
    rng = np.random.default_rng(7)
    covered, width, unpaired = 0, 0.0, 0.0
    for world in range(100):
        # Samples differ far more from each other than the policies do on any of them.
        rates = rng.beta(0.6, 0.6, size=80)
        better = np.clip(rates + 0.1, 0, 1)
        n = np.full(80, 4)
        one, other = rng.binomial(4, rates), rng.binomial(4, better)
        low, high = paired_bootstrap(one, n, other, n)
        covered += low <= TRUE_GAIN <= high
        if world >= 10:
            continue
        width += high - low
        unpaired += sum(float(np.diff(bootstrap(right, n))[0]) for right in (one, other)) / 2**0.5
    assert 88 <= covered <= 99
    assert width < 0.8 * unpaired


TRUE_GAIN = float(
    np.mean([min(0.1, 1 - rate) for rate in np.random.default_rng(0).beta(0.6, 0.6, size=200_000)])
)
"""The mean gain of `test_the_paired_interval_covers_the_true_difference`."""
