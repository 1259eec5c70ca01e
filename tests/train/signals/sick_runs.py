"""For each signature a run that has it: how it begins, and steps just beyond and just within."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from made_steps import OPTIONS, answered, group, right_and_wrong, stepped

from pipelines.record.sample import Answer, Reference
from train.evaluation.settings import LOOKING
from train.step import Group, StepFacts

Make = Callable[[int], StepFacts]
"""Makes the steps that follow, by their number."""


@dataclass(frozen=True)
class Sick:
    """A run that has one signature, and its twin that just has it not."""

    beyond: Make
    within: Make
    before: Sequence[StepFacts] = ()
    lag: int = 0
    """Steps that a mean takes to follow, before the first reading beyond."""


def logged(name: str, beyond: float, within: float, **options: object) -> Sick:
    def make(value: float) -> Make:
        return lambda _: stepped(**{name: value, "reward": 0.3})

    return Sick(make(beyond), make(within), **options)  # type: ignore[arg-type]


def of_groups(
    make: Callable[[int], Sequence[Group]], beyond: int, within: int, lag: int = 0
) -> Sick:
    return Sick(lambda _: stepped(make(beyond)), lambda _: stepped(make(within)), lag=lag)


def without_signal(count: int) -> list[Group]:
    right, wrong = group(answered(), answered()), group(answered(False), answered(False))
    same = [right if i % 2 else wrong for i in range(count)]
    return same + [right_and_wrong()] * (100 - count)


def ungraded(count: int) -> list[Group]:
    return [group(answered(None))] * count + [right_and_wrong()] * ((100 - count) // 2)


def cut(count: int) -> list[Group]:
    return [group(*[answered(cut=i < count) for i in range(100)])]


def of_length(tokens: int) -> list[Group]:
    return [right_and_wrong(tokens=tokens)] * 16


def wrong_ones_of(tokens: int) -> list[Group]:
    return [group(answered(tokens=100), answered(False, tokens=tokens))] * 16


def earned(gap: float) -> list[Group]:
    """Half are strictly right, and the reward gives more."""
    both = [answered(True, value=0.5 + gap, strict=s, reward_id="own@1-0") for s in (True, False)]
    return [group(*both)]


def formed(form: float) -> list[Group]:
    return [right_and_wrong(components={"format": form})] * 4


def letters(count: int) -> list[Group]:
    """A hundred questions, A to D true in equal parts, of which `count` are answered with A."""
    given = "A" * count + "BCD" * 25
    return [
        group(answered(None, said, reference=Reference(Answer.choice("ABCD"[i % 4], OPTIONS))))
        for i, said in enumerate(given[:100])
    ]


def yeses(count: int) -> list[Group]:
    return [
        group(answered(None, "yes" if i < count else "no", reference=claim(i % 2 == 0)))
        for i in range(100)
    ]


def claim(truth: bool) -> Reference:
    return Reference(Answer.bool(truth))


def sevens(count: int) -> list[Group]:
    """A hundred questions with a hundred answers, `count` of them answered with 7."""
    return [
        group(answered(None, "7" if i < count else f"{i}", reference=Reference(Answer.number(i))))
        for i in range(100)
    ]


def holes(count: int) -> list[Group]:
    return [group(*[answered(text="" if i < count else "7") for i in range(200)])]


def thoughts(apart: int) -> list[Group]:
    same, other = (f"<think>So the answer is {n}</think><answer>7</answer>" for n in (7, 8))
    return [group(*[answered(text=other if i < apart else same) for i in range(32)])]


def repeating(distinct: int) -> list[Group]:
    """Answers of a hundred trigrams, `distinct` of which differ."""
    return [group(*[answered(text=" ".join(f"w{i % distinct}" for i in range(102)))] * 32)]


def waiting(more: int) -> list[Group]:
    said = ["Wait, " * (5 if i < more else 4) for i in range(32)]
    return [group(*[answered(text=text) for text in said])]


def measured(held_out: float, blind: float) -> Make:
    return lambda _: replace(stepped(), accuracies={LOOKING: held_out, "blind": blind})


def rising(entropy: float) -> Make:
    return lambda i: stepped(entropy=entropy + 0.001 * i, reward=0.3)


SICK = {
    "vanishing_advantages": of_groups(without_signal, 51, 50),
    "ungraded": of_groups(ungraded, 12, 10),
    "entropy_collapse": logged("entropy", 0.19, 0.21, before=[stepped(entropy=1.0)] * 10),
    "entropy_floor": logged("entropy", 0.099, 0.101, before=[stepped(entropy=0.5)] * 10),
    "entropy_explosion": Sick(
        rising(2.01), rising(1.9), before=[stepped(entropy=1.0, reward=0.3)] * 30
    ),
    "kl_blow_up": logged("kl", 0.101, 0.099),
    "kl_jump": logged("kl", 0.202, 0.198, before=[stepped(kl=0.02)] * 20),
    "kl_stuck": logged("kl", 0.9e-4, 1.1e-4),
    "clip_ratio": logged("clip_ratio__region_mean", 0.101, 0.099),
    "engine_mismatch": logged("sampling__importance_sampling_ratio__mean", 1.051, 1.049),
    "gradient_spike": logged("grad_norm", 10.1, 9.9, before=[stepped(grad_norm=1.0)] * 20),
    "gradient_gone": logged("grad_norm", 0.9e-6, 1.1e-6),
    "not_finite": logged("loss", float("nan"), 1.0),
    "truncation": of_groups(cut, 11, 10),
    "length_inflation": replace(
        of_groups(of_length, 131, 129, lag=9), before=[stepped(of_length(100))] * 50
    ),
    "length_collapse": replace(
        of_groups(of_length, 49, 51, lag=9), before=[stepped(of_length(100))] * 50
    ),
    "wrong_longer": of_groups(wrong_ones_of, 151, 149),
    "reward_hacking": Sick(
        lambda _: stepped(earned(0.051)),
        lambda _: stepped(earned(0.049)),
        before=[stepped(earned(0.0))] * 50,
        lag=9,
    ),
    "format_only": Sick(
        lambda _: stepped(formed(0.981)),
        lambda _: stepped(formed(0.979)),
        before=[stepped(formed(0.5))] * 100,
    ),
    "image_blindness": Sick(measured(0.5, 0.471), measured(0.5, 0.469)),
    "option_prior": of_groups(letters, 51, 50),
    "yes_prior": of_groups(yeses, 76, 75),
    "answer_prior": of_groups(sevens, 27, 25),
    "verifier_hole": of_groups(holes, 2, 1),
    "thought_mismatch": of_groups(thoughts, 4, 3, lag=1),
    "repetition": of_groups(repeating, 49, 50, lag=1),
    "waiting": of_groups(waiting, 1, 0, lag=1),
}
