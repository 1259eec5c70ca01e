"""StepRAR of R1-VL (arXiv 2503.12937): the share of reference key steps that the work names.

The published code looks for substrings, so that `2` is found in `12`. Here steps are matched
word by word, numbers by their value, in the order of the reference, each mention once.
"""

import re
from bisect import bisect_left
from functools import lru_cache

from pipelines.record.sample import Reference, plain_decimal
from pipelines.rewards.final_answer import LONGEST_COMPLETION, worked
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score

_CALCULATOR = re.compile(r"<<[^<>]*>>")
_STEP = re.compile(r"^[ \t]*#{1,6}[ ]*step[ ]+[0-9]+[ ]*:", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ ]*[A-Za-z]", re.MULTILINE)
_TOKEN = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+|[^\W\d_]+[0-9]*|[-+*/=^%<>]")
_EQUATION = re.compile(r"[-+*/^()$0-9., x×÷%]*[0-9)%]\s*=\s*\$?\s*-?[0-9][0-9,]*(?:\.[0-9]+)?%?")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "’": "", "'": ""})

Tokens = tuple[str, ...]


@reward("key_steps", version=1)
def key_steps(reference: Reference, completion: str) -> Score:
    """Give the share of the reference's key steps that the work before the answer names.

    A step with `|` in it names alternatives; of a worked line, its equation alone will do.
    Without key steps it is 0.
    """
    total = len(reference.steps)
    if not total:
        return Score(0.0, False, "the reference has no key steps")
    found = matched(reference.steps, steps_of(completion))
    return Score(found / total, found == total, f"{found} of {total} key steps")


def steps_of(completion: str) -> str:
    """Give the bodies of the `### Step n:` sections, or all work before the answer."""
    text = completion[-LONGEST_COMPLETION:]
    starts = [match.end() for match in _STEP.finditer(text)]
    if not starts:
        return worked(completion)
    headings = [match.start() for match in _HEADING.finditer(text)]
    ends = [next((h for h in headings if h >= start), len(text)) for start in starts]
    return "\n".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def matched(steps: Tokens, text: str) -> int:
    """Count the most steps that a text names one behind the other, in the reference's order."""
    words = tokens(text)
    ends = [0]  # ends[k]: where the earliest text that names k steps in order ends
    for step in steps:
        places = sorted(place for phrase in _phrases(step) for place in _places(phrase, words))
        starts = [start for start, _ in places]
        for k in reversed(range(len(ends))):
            later = places[bisect_left(starts, ends[k]) :]
            if later:
                end = min(end for _, end in later)
                if k + 1 == len(ends):
                    ends.append(end)
                else:
                    ends[k + 1] = min(ends[k + 1], end)
    return len(ends) - 1


def tokens(text: str) -> Tokens:
    """Cut a text into words, signs, and numbers in one plain form; a sign joins its number."""
    raw = _TOKEN.findall(_CALCULATOR.sub("", text).translate(_SIGNS).casefold())
    cut: list[str] = []
    for token in raw:
        if token[0].isdigit() or token[0] == ".":
            number = _plain(token)
            signed = cut[-1:] == ["-"] and not (len(cut) > 1 and _is_value(cut[-2]))
            cut[-1 if signed else len(cut) :] = [f"-{number}" if signed else number]
        elif token == "%" and cut and _is_value(cut[-1]):
            cut[-1] += "%"
        else:
            cut.append("*" if token == "x" and cut and _is_value(cut[-1]) else token)
    return tuple(cut)


@lru_cache(maxsize=16384)
def _phrases(step: str) -> tuple[Tokens, ...]:
    """The ways to name a step: each alternative, and the equations of a worked line."""
    phrases = [tokens(alternative) for alternative in step.split("|")]
    for alternative in step.split("|"):
        plain = _CALCULATOR.sub("", alternative)
        phrases += [tokens(match[0]) for match in _EQUATION.finditer(plain)]
    return tuple(phrase for phrase in dict.fromkeys(phrases) if phrase)


def _places(phrase: Tokens, words: Tokens) -> list[tuple[int, int]]:
    size = len(phrase)
    return [
        (i, i + size)
        for i in range(len(words) - size + 1)
        if words[i] == phrase[0] and words[i : i + size] == phrase
    ]


def _plain(number: str) -> str:
    try:
        return plain_decimal(number.rstrip(","))
    except ValueError:
        return number


def _is_value(token: str) -> bool:
    return token[-1].isdigit() or token[-1] in "%)"
