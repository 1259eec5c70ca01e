"""Left and right in words, when a picture is mirrored: each takes the other's place everywhere.

A mirrored picture with left and right exchanged in question, options and answer has the answer that
it had. That is provable only where the words speak of places: "the right answer" and "what is left"
do not, so whatever is not clearly a side is refused.
"""

import re
from dataclasses import replace

from augment.errors import CannotRemap
from augment.question import Question

_SIDE = re.compile(r"\b(left|right)", re.IGNORECASE)
_AT = r"(?:to|on|at|in|from|by|towards?)\s+(?:(?:the|its|his|her|their|your|my)\s+)?"
_FAR = r"(?:(?:far|top|bottom|upper|lower|front|back)[\s-]+)?"
_PART = (
    r"(?:sides?|halves|half|edges?|corners?|parts?|ends?|borders?|panels?|columns?|thirds?|margins?"
    r"|hands?|arms?|legs?|foot|feet|eyes?|ears?|shoulders?|knees?|boundar(?:y|ies))"
)
_CLEAR = re.compile(
    r"\b(?:left|right)most\b"
    rf"|\b(?:left|right)(?:[\s-]hand)?\s+{_PART}\b"
    r"|\b(?:left|right)\s+of\b(?!\s+way)"
    r"|\b(?:left|right)\s+(?:or|and|to)\s+(?:left|right)\b"
    rf"|\b{_AT}{_FAR}(?:left|right)(?=\s*(?:[.,;:?!)]|\Z|\n|(?:of|or|and|than|is|are|in)\b))"
    # An option that is nothing but a side, behind its letter.
    rf"|(?<!\w)\(?[A-Z][).:]\s*(?:{_AT})?(?:left|right)\s*(?=[.,;]|\n|\Z|\(?[A-Z][).:])",
    re.IGNORECASE,
)
_ALONE = re.compile(
    rf"\s*(?:{_AT})?(?:the\s+)?(?:left|right)(?:most)?(?:[\s-]hand)?(?:\s+(?:one|{_PART}))?\s*[.]?\s*",
    re.IGNORECASE,
)


def names_a_side(text: str) -> bool:
    """Whether a text says left or right in any sense."""
    return _SIDE.search(text) is not None


def mirrored(question: Question) -> Question:
    """Exchange left and right in the question, its options and its answer; the letter stays.

    Raises CannotRemap where a word may mean something else, or where there is none.
    """
    said = (*question.texts, *question.answers)
    if not any(map(names_a_side, said)):
        raise CannotRemap("no_sides", "neither question nor answer says left or right")
    if any(map(names_a_side, question.around)):
        raise CannotRemap("unclear_sides", "another turn of the prompt says left or right")
    if not isinstance(question.value, str) and names_a_side(repr(question.value)):
        raise CannotRemap("unclear_sides", "the answer says left or right among other things")
    return replace(
        question,
        texts=tuple(map(_exchanged, question.texts)),
        value=_exchanged(question.value) if isinstance(question.value, str) else question.value,
        options=tuple(map(_exchanged, question.options)),
        variants=tuple(map(_exchanged, question.variants)),
    )


def _exchanged(text: str) -> str:
    """Write the other side for each. Raises CannotRemap for a word that may not be a side."""
    if not _ALONE.fullmatch(text):
        clear = [match.span() for match in _CLEAR.finditer(text)]
        for match in _SIDE.finditer(text):
            if not any(start <= match.start() and match.end() <= end for start, end in clear):
                around = text[max(0, match.start() - 20) : match.end() + 20].strip()
                raise CannotRemap("unclear_sides", f"{around!r} may not speak of a side")
    return _SIDE.sub(_other, text)


def _other(match: re.Match[str]) -> str:
    other = {"left": "right", "right": "left"}[match.group().casefold()]
    if match.group().isupper():
        return other.upper()
    return other.capitalize() if match.group()[0].isupper() else other
