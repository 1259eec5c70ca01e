"""What an answer looks like: only answers of one shape can stand beside each other as options.

The tight shape tells everything that would give a wrong option away at a glance: the unit, the
sign, the decimals, the length of a code, the words of a name. The loose one forgives decimals and
the number of words, where too few answers have the tight one.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from augment.forms import OPEN, with_unit
from pipelines.record.sample import Answer
from pipelines.rewards.text import normal_text

LONGEST_OPTION = 60
"""Characters of an answer that is still read as an option."""

_WORD = re.compile(r"[^\W\d_]+")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Shaped:
    """An answer in words, with what it can be compared by."""

    words: str
    tight: tuple[object, ...]
    loose: tuple[object, ...]
    size: Fraction | None = None
    """Of a number."""
    grain: float = 1.0
    """Of a number, the smallest step between two that are written like it."""

    @property
    def same(self) -> object:
        """What two answers that are the same thing have in common."""
        return normal_text(self.words) if self.size is None else self.size


def shaped(answer: Answer) -> Shaped | None:
    """Give the shape of an answer; None for one that cannot be an option."""
    value = str(answer.value).strip()
    words = with_unit(value, answer.unit)
    if answer.kind not in OPEN or len(words) > LONGEST_OPTION or not words.isprintable():
        return None
    if answer.kind == "number":
        return _of_number(words, value, answer.unit)
    if not normal_text(words):
        return None
    return _of_math(words) if answer.kind == "math" else _of_text(words)


def contains(one: Shaped, other: Shaped) -> bool:
    """Whether one text says all that the other says, word by word: `dark blue` says `blue`."""
    if one.size is not None or other.size is not None or one.tight[0] == "math":
        return False
    a, b = (f" {normal_text(shape.words)} " for shape in (one, other))
    return a in b or b in a


def _of_number(words: str, value: str, unit: str) -> Shaped:
    size = Fraction(value)
    decimals = len(value.partition(".")[2])
    common = ("number", unit, size < 0)
    return Shaped(words, (*common, decimals), (*common, decimals > 0), size, 10.0**-decimals)


def _of_text(words: str) -> Shaped:
    outline = _WORD.sub(lambda word: "A" if word[0][0].isupper() else "a", words)
    if any(map(str.isdigit, words)):  # a code, a time, a version: as many digits in every place
        outline = re.sub(r"[0-9]", "9", outline)
        return Shaped(words, ("text", outline), ("text", outline))
    count = len(words.split())
    return Shaped(
        words, ("text", outline), ("text", min(count, 2) if count < 4 else count // 4 + 2)
    )


def _of_math(words: str) -> Shaped:
    outline = _DIGITS.sub("9", "".join(words.split()))
    commands = tuple(sorted(set(_COMMAND.findall(words))))
    has_letters = any(map(str.isalpha, _COMMAND.sub("", words)))
    return Shaped(words, ("math", outline), ("math", commands, has_letters))
