"""Each signature fires within its window on a run that has it, and on no run that just has not."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from made_steps import OPTIONS, answered, group, only, right_and_wrong, stepped
from sick_runs import SICK, Make, Sick, claim, formed, of_length, without_signal

from pipelines.record.sample import Answer, Reference
from train.evaluation.settings import LOOKING
from train.signals.settings import SignalSettings
from train.signals.signatures import SIGNATURES
from train.signals.watch import Signal, Watch
from train.step import StepFacts


def series(sick: Sick, make: Make) -> Iterator[StepFacts]:
    for step, facts in enumerate(sick.before, 1):
        yield replace(facts, step=step)
    for i in count():
        yield replace(make(i), step=len(sick.before) + i + 1)


def first_fired(watch: Watch, facts: Iterator[StepFacts], steps: int) -> Signal | None:
    for _, step in zip(range(steps), facts, strict=False):
        for signal in watch.observe(step):
            return signal
    return None


def due(name: str) -> int:
    """The step at which the sick run's signature has lasted for its window."""
    return len(SICK[name].before) + SICK[name].lag + SIGNATURES[name].window


def test_there_is_a_sick_run_for_every_signature() -> None:
    assert SICK.keys() == SIGNATURES.keys()


@pytest.mark.parametrize("name", SIGNATURES)
def test_it_fires_when_its_window_is_full(name: str) -> None:
    signal = first_fired(Watch(only(name), 1000), series(SICK[name], SICK[name].beyond), 400)
    assert signal is not None
    assert (signal.signature, signal.decision, signal.step) == (name, "warn", due(name))
    assert signal.threshold == SIGNATURES[name].threshold
    assert signal.detail


@pytest.mark.parametrize("name", SIGNATURES)
def test_it_is_silent_just_within_its_threshold(name: str) -> None:
    steps = due(name) + 30
    assert (
        first_fired(Watch(only(name), 1000), series(SICK[name], SICK[name].within), steps) is None
    )


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_resumed_run_fires_at_the_same_step(name: str) -> None:
    sick = SICK[name]
    broken_off = max(len(sick.before) // 2, due(name) - 2)
    facts = series(sick, sick.beyond)
    first = Watch(only(name), 1000)
    assert first_fired(first, facts, broken_off) is None
    second = Watch(only(name), 1000)
    second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
    signal = first_fired(second, facts, 400)
    assert signal is not None
    assert signal.step == due(name)


@pytest.mark.parametrize("name", [name for name, s in SIGNATURES.items() if s.stop])
def test_what_gets_worse_is_warned_of_and_then_stops_the_run(name: str) -> None:
    worse: dict[str, Make] = {
        "vanishing_advantages": lambda _: stepped(without_signal(71)),
        "kl_blow_up": lambda _: stepped(kl=0.51),
        "truncation": lambda _: stepped([group(*[answered(cut=i < 31) for i in range(100)])]),
    }
    watch = Watch(only(name), 1000)
    mild = [replace(SICK[name].beyond(i), step=i) for i in range(1, 31)]
    severe = [replace(worse[name](i), step=i) for i in range(31, 101)]
    told = [(s.decision, s.step) for facts in mild + severe for s in watch.observe(facts)]
    assert SIGNATURES[name].stop is not None
    assert told == [("warn", SIGNATURES[name].window), ("stop", 30 + SIGNATURES[name].stop[1])]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("name", ["loss", "grad_norm", "entropy", "kl"])
def test_one_step_that_is_no_number_is_told_at_once(name: str, bad: float | None) -> None:
    """TRL leaves a metric that is NaN out of what it logs: missing means the same."""
    good = {"loss": 0.1, "grad_norm": 1.0, "entropy": 1.0, "kl": 0.01}
    watch = Watch(only("not_finite"), 100)
    told = []
    for step in range(1, 21):
        known = good | {name: bad if step == 10 else good[name]}
        metrics = {k: v for k, v in known.items() if v is not None}
        told += watch.observe(replace(stepped(**metrics), step=step))
    assert [(s.step, s.value) for s in told] == [(10, 1.0)]
    assert name in told[0].detail


def test_a_step_that_is_no_number_neither_adds_to_a_window_nor_breaks_it() -> None:
    watch = Watch(only("kl_blow_up"), 100)
    values = [0.2] * 9 + [math.nan] * 5 + [0.2]
    fired = [watch.observe(stepped(kl=value)) for value in values]
    assert [bool(f) for f in fired] == [False] * 14 + [True]


def test_vanishing_says_how_many_groups_were_all_right_and_how_many_all_wrong() -> None:
    signal = first_fired(
        Watch(only("vanishing_advantages"), 100),
        series(SICK["vanishing_advantages"], SICK["vanishing_advantages"].beyond),
        20,
    )
    assert signal is not None
    assert signal.detail == "of 100 groups 25 all right, 26 all wrong"


def test_a_shaped_reward_does_not_hide_that_all_answers_are_wrong() -> None:
    shaped = [replace(answered(False), reward=0.1 * i, advantage=i - 1.5) for i in range(4)]
    watch = Watch(only("vanishing_advantages"), 100)
    told = [s for _ in range(10) for s in watch.observe(stepped([group(*shaped)] * 32))]
    assert [s.value for s in told] == [1.0]


def test_partial_credit_is_signal_where_the_verifier_gives_it() -> None:
    box = Reference(Answer(kind="box", value=["0", "0", "9", "9"]))
    graded = [answered(False, reference=box, value=0.1 * i) for i in range(4)]
    watch = Watch(only("vanishing_advantages"), 100)
    assert not [s for _ in range(30) for s in watch.observe(stepped([group(*graded)] * 32))]


def test_replayed_groups_say_nothing_of_what_was_asked() -> None:
    watch = Watch(only("vanishing_advantages"), 100)
    replayed = group(answered(), answered(), came="replay")
    assert not [s for _ in range(30) for s in watch.observe(stepped([replayed] * 32))]


def test_a_policy_that_began_with_little_entropy_is_judged_by_half_of_it() -> None:
    watch = Watch(only("entropy_floor"), 100)
    steps = [stepped(entropy=0.12)] * 10 + [stepped(entropy=0.09)] * 40
    assert not [s for facts in steps for s in watch.observe(facts)]


@pytest.mark.parametrize(("entropy", "reward"), [(0.001, 0.01), (0.0, 0.0), (-0.001, 0.0)])
def test_entropy_may_double_where_it_pays_or_no_longer_rises(entropy: float, reward: float) -> None:
    watch = Watch(only("entropy_explosion"), 100)
    steps = [stepped(entropy=1.0, reward=0.3)] * 10
    steps += [stepped(entropy=3.0, reward=0.3 + 0.02 * i) for i in range(20)]
    steps += [stepped(entropy=3 + entropy * i, reward=0.7 + reward * i) for i in range(60)]
    assert not [s for facts in steps for s in watch.observe(facts)]


def test_kl_that_leaves_zero_is_no_jump() -> None:
    watch = Watch(only("kl_jump"), 100)
    steps = [stepped(kl=1e-6)] * 20 + [stepped(kl=2e-3)] * 5
    assert not [s for facts in steps for s in watch.observe(facts)]


def test_a_metric_that_is_lost_right_after_a_resume_is_told() -> None:
    first, second = Watch(only("not_finite"), 100), Watch(only("not_finite"), 100)
    first.observe(stepped(loss=0.1))
    second.load_state_dict(first.state_dict())
    assert [s.detail for s in second.observe(stepped(kl=0.1))] == ["loss is missing"]


def test_answers_that_lose_their_form_as_they_shrink_are_another_failure() -> None:
    watch = Watch(only("length_collapse"), 100)
    formless = right_and_wrong(tokens=20, components={"format": 0.0})
    steps = [stepped(of_length(100))] * 50 + [stepped([formless] * 16)] * 30
    assert not [s for facts in steps for s in watch.observe(facts)]


def test_kl_near_zero_is_no_failure_while_the_reward_rises() -> None:
    watch = Watch(only("kl_stuck"), 1000)
    steps = [stepped(kl=1e-6, reward=0.002 * i) for i in range(300)]
    assert not [s for facts in steps for s in watch.observe(facts)]


def test_answers_too_short_to_repeat_themselves_are_not_judged() -> None:
    watch = Watch(only("repetition"), 100)
    short = stepped([group(*[answered(text="so so so so so so")] * 64)])
    assert not [s for _ in range(30) for s in watch.observe(short)]


def test_a_right_answer_is_the_reference_however_it_was_written() -> None:
    """`42 apples` to many questions whose answer is 42 is not one answer to all."""
    reference = Reference(Answer.number(42))
    right = [group(answered(True, "42 apples", reference=reference))] * 64
    watch = Watch(only("answer_prior"), 100)
    assert not [s for _ in range(30) for s in watch.observe(stepped(right))]


def test_answers_that_grow_with_accuracy_are_no_inflation() -> None:
    watch = Watch(only("length_inflation"), 100)
    steps = [stepped(of_length(100 + i)) for i in range(50)]
    more_right = [group(answered(tokens=200), answered(tokens=200))] * 16
    steps += [stepped(more_right)] * 30
    assert not [s for facts in steps for s in watch.observe(facts)]


def test_short_answers_are_not_judged_by_a_few_tokens() -> None:
    wrong = [group(answered(tokens=3), answered(False, tokens=6))] * 16
    watch = Watch(only("wrong_longer"), 100)
    assert not [s for _ in range(30) for s in watch.observe(stepped(wrong))]


def test_a_learned_task_is_not_told_that_only_its_form_is() -> None:
    right = [group(answered(components={"format": 1.0}), answered(components={"format": 1.0}))] * 4
    watch = Watch(only("format_only"), 1000)
    steps = [stepped(formed(0.5))] * 20 + [stepped(right)] * 300
    assert not [s for facts in steps for s in watch.observe(facts)]


def test_a_policy_that_answers_nothing_is_not_called_blind() -> None:
    facts = replace(stepped(), accuracies={LOOKING: 0.02, "blind": 0.01})
    assert not Watch(only("image_blindness"), 10).observe(facts)


def test_the_strict_verifier_has_no_lead_over_itself() -> None:
    """Partial credit grows before answers are right; that is learning."""
    box = Reference(Answer(kind="box", value=["0", "0", "9", "9"]))
    watch = Watch(only("reward_hacking"), 100)
    steps = [
        stepped([group(answered(False, reference=box, value=i / 200, strict=False))])
        for i in range(100)
    ]
    assert not [s for facts in steps for s in watch.observe(facts)]


@pytest.mark.parametrize(
    ("text", "strict", "suspected"),
    [
        ("<answer>7</answer>", True, False),
        ("It is 7 apples", True, False),
        ("7 apples", None, False),
        ("7 apples", False, True),
        ("<answer>17</answer>", None, True),
        ("<answer></answer>", True, True),
        ("", None, True),
        (r"\boxed{7} or \boxed{8}", True, True),
        (r"\boxed{7} so \boxed{7}", True, False),
    ],
)
def test_what_a_verifier_should_not_have_called_right(
    text: str, strict: bool | None, suspected: bool
) -> None:
    right = answered(text=text, strict=strict)
    told = Watch(only("verifier_hole"), 10).observe(stepped([group(*[right] * 200)]))
    assert bool(told) is suspected


def test_an_option_that_is_often_true_may_be_given_often() -> None:
    mostly_a = [
        group(answered(True, "A", reference=Reference(Answer.choice("A", OPTIONS))))
        for _ in range(80)
    ]
    watch = Watch(only("option_prior"), 100)
    assert not [s for _ in range(30) for s in watch.observe(stepped(mostly_a))]


def test_a_difference_that_chance_makes_is_no_prior() -> None:
    """Of 64, 36 say yes by chance where 32 are true; 56 do not."""
    for yeses, luck in ((36, True), (56, False)):
        watch = Watch(only("yes_prior", threshold=0.05), 100)
        said = [
            group(answered(None, "yes" if i < yeses else "no", reference=claim(i % 2 == 0)))
            for i in range(64)
        ]
        fired = [s for _ in range(9) for s in watch.observe(stepped(said))]
        assert (fired == []) is luck


def test_the_option_that_is_given_too_often_need_not_be_the_commonest() -> None:
    given, true = "A" * 55 + "B" * 45, "A" * 50 + "B" * 10 + "C" * 20 + "D" * 20
    groups = [
        group(answered(None, said, reference=Reference(Answer.choice(letter, OPTIONS))))
        for said, letter in zip(given, true, strict=True)
    ]
    watch = Watch(only("option_prior", window=1), 100)
    (signal,) = watch.observe(stepped(groups))
    assert signal.detail.startswith("'B' is given 45% of the time and true 10% of it")


def test_steps_without_answers_or_metrics_say_nothing() -> None:
    watch = Watch(SignalSettings(), 100)
    assert not [s for _ in range(200) for s in watch.observe(stepped())]
    assert not [s for _ in range(30) for s in watch.observe(stepped([group()]))]
    assert not watch.observe(stepped([right_and_wrong()]))
