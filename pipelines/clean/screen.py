"""Rules that a sample must pass: it asks something, at a bearable length, and can be checked."""

import re
from collections.abc import Sequence

from pipelines.record.media import MediaFacts
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Rule, Verdict, reject
from pipelines.rewards import REWARDS, grade, reference_completion
from pipelines.rewards.coordinates import lies_within, reference_numbers

LONGEST_PROMPT = 20_000
EDGE = 1.0
"""Pixels that a box may reach over the edge of its picture: corpora round."""

_CONTROL_TOKEN = re.compile(r"<\|[A-Za-z0-9_/ -]{1,40}\|>")
"""Such as `<|im_start|>`: a tokenizer takes it for the end of the question."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def has_prompt(sample: Sample) -> Verdict:
    """Reject samples that ask nothing, or in characters and tokens that are no text."""
    if not sample.question.strip():
        return Verdict(False, "empty_prompt")
    if match := _CONTROL.search(sample.question):
        return Verdict(False, "bad_prompt", f"it holds the character {match[0]!r}")
    if match := _CONTROL_TOKEN.search(sample.question):
        return Verdict(False, "control_token", f"it holds {match[0][:40]!r}, which steers a model")
    return Verdict(True)


def prompt_fits(longest: int = LONGEST_PROMPT) -> Rule:
    """Make a rule against prompts of more characters than this."""

    def rule(sample: Sample) -> Verdict:
        length = sum(len(block.text) for message in sample.prompt for block in message.content)
        return Verdict(length <= longest, "prompt_too_long", f"{length} characters")

    return rule


def has_checkable_answer(sample: Sample) -> Verdict:
    """Reject samples whose answer is empty, has no reward, or is not right by its own reward."""
    answer = sample.answer
    if answer.value in (None, [], (), {}) or not str(answer.value).strip():
        return Verdict(False, "no_answer")
    if answer.kind not in REWARDS:
        return Verdict(False, "no_reward", f"nothing checks an answer of kind {answer.kind!r}")
    score = grade(sample.reference, reference_completion(answer))
    return Verdict(score.correct is True, "answer_not_verifiable", score.reason)


def has_whole_steps(sample: Sample) -> Verdict:
    """Reject samples with a key step that names nothing."""
    blank = [i for i, step in enumerate(sample.steps, start=1) if not any(map(str.isalnum, step))]
    return Verdict(
        not blank, "empty_step", f"step {blank[0]} of {len(sample.steps)}" if blank else ""
    )


def lies_in_its_picture(sample: Sample, facts: Sequence[MediaFacts]) -> Verdict:
    """Reject boxes and points that reach out of every picture of the sample."""
    if sample.answer.kind not in ("box", "boxes", "point"):
        return Verdict(True)
    numbers = reference_numbers(sample.answer.value)
    sizes = [(seen.width, seen.height) for seen in facts if seen.width and seen.height]
    inside = any(lies_within(numbers, width, height, EDGE) for width, height in sizes)
    detail = (
        f"{sample.answer.value} in {' or '.join(f'{w} x {h}' for w, h in sizes) or 'no picture'}"
    )
    return Verdict(inside, "answer_outside_picture", detail)


def is_not_given_away(sample: Sample) -> Verdict:
    """Reject samples where repeating the question is a right answer."""
    score = grade(sample.reference, sample.question)
    return Verdict(score.correct is not True, "answer_in_question", "the prompt repeated is right")


SCREEN: tuple[Rule, ...] = (
    has_prompt,
    prompt_fits(),
    has_checkable_answer,
    has_whole_steps,
    is_not_given_away,
)
"""The rules of every ingest, in order."""


def screened(sample: Sample) -> Record:
    """Give the sample where every rule keeps it, else the reject that the first other makes."""
    for rule in SCREEN:
        verdict = rule(sample)
        if not verdict.keep:
            return reject(sample, "screen", verdict.reason, verdict.detail)
    return sample
