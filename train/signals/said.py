"""What answers finally say, found as the rewards find it, once for all detectors of a step."""

from functools import lru_cache

from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Answer
from pipelines.rewards.choice import picked_letters
from pipelines.rewards.final_answer import FinalAnswer, final_answer
from pipelines.rewards.text import normal_text
from pipelines.rewards.yes_no import said_of
from train.step import Answered

YES_NO = {True: "yes", False: "no"}


@lru_cache(maxsize=1024)
def said(text: str) -> FinalAnswer:
    """Extract what a completion finally says."""
    return final_answer(text)


def picked(answer: Answer, text: str) -> str:
    """Say which answer a text gives: a letter, yes or no, else its words; empty for none."""
    if answer.kind == "choice":
        letters = picked_letters(text, [str(option) for option in answer.options])
        return letters.pop() if len(letters) == 1 else ""
    if answer.kind == "bool":
        both = said_of(text)
        return YES_NO[both.pop()] if len(both) == 1 else ""
    return normal_text(text)


def given(answered: Answered, answer: Answer) -> str:
    """Say which answer was given; a right one is the reference, however it was written."""
    return gold(answer) if answered.score.correct else picked(answer, said(answered.text).text)


def gold(answer: Answer) -> str:
    """Write the reference as `given` would."""
    if answer.kind == "choice":
        return str(answer.value)
    if isinstance(answer.value, bool):
        return YES_NO[answer.value]
    value = answer.value if isinstance(answer.value, str) else canonical_json(answer.value)
    return normal_text(value)
