"""Rules that a sample must pass: it asks something, at a bearable length, and can be checked."""

import re

from pipelines.record.sample import Sample
from pipelines.record.steps import Rule, Verdict
from pipelines.rewards import REWARDS, grade, reference_completion

LONGEST_PROMPT = 20_000

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def has_prompt(sample: Sample) -> Verdict:
    """Reject samples that ask nothing, or in characters that are no text."""
    if not sample.question.strip():
        return Verdict(False, "empty_prompt")
    if match := _CONTROL.search(sample.question):
        return Verdict(False, "bad_prompt", f"it holds the character {match[0]!r}")
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
    if answer.value is None or not str(answer.value).strip():
        return Verdict(False, "no_answer")
    if answer.kind not in REWARDS:
        return Verdict(False, "no_reward", f"nothing checks an answer of kind {answer.kind!r}")
    score = grade(answer, reference_completion(answer))
    return Verdict(score.correct is True, "answer_not_verifiable", score.reason)


def is_not_given_away(sample: Sample) -> Verdict:
    """Reject samples where repeating the question is a right answer."""
    score = grade(sample.answer, sample.question)
    return Verdict(score.correct is not True, "answer_in_question", "the prompt repeated is right")


SCREEN: tuple[Rule, ...] = (has_prompt, prompt_fits(), has_checkable_answer, is_not_given_away)
"""The rules of every ingest, in order."""
