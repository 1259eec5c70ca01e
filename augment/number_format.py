"""Numbers written otherwise: `12000` as `12,000`, and back. The value is the same for any reader.

Only numbers that stand alone in prose, where a comma can mean nothing else: no years, codes,
coordinates, decimals with a comma, formulas, or numbers that are an answer.
"""

import re
from dataclasses import replace

import numpy as np

from augment.errors import AugmentError
from augment.question import Question
from augment.transform import Params, Range, Transform, between
from augment.wording import free_stretches

GROUPED, PLAIN = 1, 2
"""The styles: `12,000` and `12000`."""
STYLES: Range = (GROUPED, PLAIN)

_END = r"(?=[.,;:?!)]*(?:\s|\Z))"
_LONG = re.compile(rf"(?<!\S)(?P<sign>[$€£]?)(?P<whole>[1-9]\d{{3,14}})(?P<rest>(?:\.\d+)?){_END}")
_SHORT = re.compile(
    rf"(?<!\S)(?P<sign>[$€£]?)(?P<whole>[1-9]\d{{0,2}}(?:,\d{{3}}){{1,4}})(?P<rest>(?:\.\d+)?){_END}"
)
_NAMES = re.compile(
    r"(?:\b(?:year|years|in|since|until|till|from|by|code|codes|id|no|nr|number|numbers|room|page|pages|zip|postcode"
    r"|phone|flight|bus|line|channel|model|version|route|highway|section|article|step|serial|pin"
    r"|digits?|read|reads|spell|\w*day|\w*ber|january|february|march|april|may|june|july|august)"
    r"|#|\d,?)\s*[.:]?\s*\Z",
    re.IGNORECASE,
)
"""What makes the number behind it a name, a date or part of a list rather than an amount."""
_BRACKETED = re.compile(r"[\[({<][^\])}>]*[\])}>]")
_YEARS = range(1000, 3000)


def number_format(question: Question, *, style: int) -> Question:
    """Write the amounts in the question with commas between thousands (1), or without (2).

    Raises AugmentError where no number would be written otherwise.
    """
    changed = tuple(_rewritten(text, question, style) for text in question.texts)
    if changed == question.texts:
        raise AugmentError("the question has no number that could be written otherwise")
    return replace(question, texts=changed)


def styles_of(question: Question) -> list[int]:
    """Return the styles that would change how the question is written."""
    return [
        style
        for style in range(STYLES[0], STYLES[1] + 1)
        if any(_rewritten(text, question, style) != text for text in question.texts)
    ]


def _rewritten(text: str, question: Question, style: int) -> str:
    pattern, write = (_LONG, _grouped) if style == GROUPED else (_SHORT, _plain)
    allowed = free_stretches(text, question.answers)
    # Openings behind the last closing would each be searched to the end, for nothing.
    closed = max(text.rfind(closing) for closing in "])}>") + 1
    brackets = [match.span() for match in _BRACKETED.finditer(text, 0, closed)]

    def one(match: re.Match[str]) -> str:
        start, end = match.span()
        is_free = any(first <= start and end <= last for first, last in allowed)
        in_brackets = any(first < end and start < last for first, last in brackets)
        if not is_free or in_brackets or _NAMES.search(text[max(0, start - 24) : start]):
            return match.group()
        return match["sign"] + write(match["whole"]) + match["rest"]

    return pattern.sub(one, text)


def _grouped(digits: str) -> str:
    # A four-digit number may be a year, whatever stands before it.
    return digits if int(digits) in _YEARS else f"{int(digits):,}"


def _plain(digits: str) -> str:
    return digits.replace(",", "")


def draw_number_format(rng: np.random.Generator, *, style: Range = STYLES) -> Params:
    """Choose a style: 1 with commas between thousands, 2 without."""
    return {"style": between(rng, style)}


TRANSFORMS = (
    Transform(
        name="number_format",
        medium="text",
        bounds={"style": STYLES},
        draw=draw_number_format,
        apply=number_format,
    ),
)
