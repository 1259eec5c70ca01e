"""Steps of runs that never were: healthy ones, and ones that are sick in exactly one way."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.record.sample import Answer, Reference
from pipelines.rewards import BY_KIND, Score
from train.signals.settings import SignalSettings
from train.signals.signatures import SIGNATURES
from train.step import Answered, Came, Group, StepFacts

SEVEN = Reference(Answer.number(7))
OPTIONS = ("red", "green", "blue", "grey")
WORDS = ("count", "red", "square", "left", "sum", "then", "so", "digit", "next", "is", "two", "we")


def answered(
    correct: bool | None = True,
    text: str = "<answer>7</answer>",
    *,
    reference: Reference = SEVEN,
    tokens: int = 20,
    cut: bool = False,
    value: float | None = None,
    strict: bool | None = None,
    reward_id: str = "",
    advantage: float = 0.0,
    components: Mapping[str, float] = {},
) -> Answered:
    score = Score(float(bool(correct)) if value is None else value, correct, "said", components)
    return Answered(
        sample_id="s",
        reward_id=reward_id or BY_KIND.reward_id(reference),
        text=text,
        finish_reason="length" if cut else "stop",
        prompt_tokens=10,
        completion_tokens=tokens,
        score=score,
        reward=score.value,
        advantage=advantage,
        reference=reference,
        strict=strict,
    )


def group(*answers: Answered, came: Came = "planned") -> Group:
    return Group(row=0, position=0, sample_id="s", came=came, entered=True, answers=answers)


def right_and_wrong(**options: Any) -> Group:
    return group(answered(True, **options), answered(False, "<answer>8</answer>", **options))


def stepped(groups: Sequence[Group] = (), /, **metrics: float) -> StepFacts:
    """A step; `__` in the name of a metric stands for a slash."""
    named = {name.replace("__", "/"): value for name, value in metrics.items()}
    return StepFacts(step=1, steps=1000, groups=groups, metrics=named)


def only(name: str, **said: Any) -> SignalSettings:
    """Settings that look for one signature."""
    off = {other: {"on": False} for other in SIGNATURES if other != name}
    return SignalSettings.model_validate(off | {name: said})


def healthy(rng: np.random.Generator, step: int, steps: int, *, prompts: int) -> StepFacts:
    """A step of a run that learns, noisy as small batches are: eight answers to a question."""
    level = -0.8 + 2.0 * step / steps
    groups = [group(*_answers(rng, level + rng.normal(0, 1.2))) for _ in range(prompts)]
    metrics = {
        "loss": rng.normal(0, 0.02),
        "grad_norm": rng.lognormal(-1, 0.5),
        "entropy": 1.5 * np.exp(-0.7 * step / steps) * rng.lognormal(0, 0.08),
        "kl": 0.02 * step / steps * rng.lognormal(0, 0.3) + 1e-5,
        "clip_ratio/region_mean": abs(rng.normal(0.005, 0.005)),
    }
    return StepFacts(step=step, steps=steps, groups=groups, metrics=metrics)


def _answers(rng: np.random.Generator, level: float) -> list[Answered]:
    reference, truth, others = _question(rng)
    chance = 1 / (1 + np.exp(-level))
    return [
        answered(
            right,
            f"{' '.join(rng.choice(WORDS, length))}\n<answer>{said}</answer>",
            reference=reference,
            tokens=length + 5,
            cut=bool(rng.random() < 0.02),
            strict=right,
        )
        for right in (rng.random(8) < chance).tolist()
        for length in [max(3, int(rng.lognormal(3.2, 0.3)))]
        for said in [truth if right else rng.choice(others)]
    ]


def _question(rng: np.random.Generator) -> tuple[Reference, str, list[str]]:
    kind, which = rng.integers(3), int(rng.integers(20))
    if kind == 0:
        others = [str(n) for n in range(20) if n != which]
        return Reference(Answer.number(which)), str(which), others
    if kind == 1:
        letter = "ABCD"[which % 4]
        others = [other for other in "ABCD" if other != letter]
        return Reference(Answer.choice(letter, OPTIONS)), letter, others
    truth = which % 2 == 0
    return Reference(Answer.bool(truth)), "yes" if truth else "no", ["no" if truth else "yes"]
