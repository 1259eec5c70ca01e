"""One of several options: by letter, by letter in a sentence, or by the option's own text."""

import re
from collections.abc import Sequence

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import final_answer, is_denied, unwrap
from pipelines.rewards.quantities import PERCENT_UNITS, NotOneNumber, Quantity, read_quantity
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, wrong
from pipelines.rewards.text import normal_text

_LETTER = re.compile(r"[({\[]?([A-Za-z])[)}\]]?[.:]?")
_LETTERED = re.compile(r"[(\[]?([A-Z])(?:[)\]][.:]?|[.:])\s*(\S.*)", re.DOTALL)
_MENTIONED = re.compile(r"[(\[]([A-Z])[)\]]|\b(?:option|choice|answer)\s+([A-Z])\b")
_STATED = re.compile(r".*\b(?:is|are|be)\b:?\s+(?:the\s+|an?\s+)?(.+)", re.IGNORECASE | re.DOTALL)


@reward("choice", version=2)
def choice(reference: Reference, completion: str) -> Score:
    """Give full marks to the one option that the final answer picks."""
    answer = reference.answer
    found = final_answer(completion)
    options = [str(option) for option in answer.options]
    picked = picked_letters(found.text, options)
    if len(picked) != 1:
        what = f"options {', '.join(sorted(picked))}" if picked else "no option"
        return wrong(f"expected {answer.value}, found {what} in {found.text[:80]!r}")
    letter = picked.pop()
    return compared(letter, answer.value, letter == answer.value)


def picked_letters(text: str, options: Sequence[str]) -> set[str]:
    """Give the letters that a text picks: none, one, or too many."""
    letters = {chr(ord("A") + i): normal_text(option) for i, option in enumerate(options)}
    # A letter first: options may themselves be letters, in another order.
    if (match := _LETTER.fullmatch(text)) and match[1].upper() in letters:
        return {match[1].upper()}
    if by_text := _named(text, letters) or _of_equal_number(text, options):
        return by_text
    if is_denied(text):
        return set()
    if match := _LETTERED.fullmatch(text):
        named = _named(match[2], letters) or {match[1]}
        return ({match[1]} & letters.keys()) | named | _mentioned(match[2])
    if mentioned := _mentioned(text):
        return mentioned & letters.keys() if len(mentioned) == 1 else mentioned
    stated = _STATED.fullmatch(text)
    if stated is None:
        return set()
    tail = unwrap(stated[1].rstrip("."))
    letter = _LETTER.fullmatch(tail)
    return _named(tail, letters) or ({letter[1]} & letters.keys() if letter else set())


def _named(text: str, letters: dict[str, str]) -> set[str]:
    """Give the letters of the options whose whole text this is."""
    normal = normal_text(text)
    return {letter for letter, option in letters.items() if option and option == normal}


def _of_equal_number(text: str, options: Sequence[str]) -> set[str]:
    """Give the letters of the options that are this number: corpora mix `4`, `4.0` and `"4"`."""
    try:
        given = read_quantity(text)
    except NotOneNumber:
        return set()
    return {chr(ord("A") + i) for i, option in enumerate(options) if _is_quantity(option, given)}


def _is_quantity(option: str, given: Quantity) -> bool:
    try:
        known = read_quantity(option)
    except NotOneNumber:
        return False
    if known.value != given.value:
        return False
    one_is_bare = not known.units or not given.units
    in_percent = PERCENT_UNITS in (known.units, given.units)
    return known.units == given.units or (one_is_bare and not in_percent)


def _mentioned(text: str) -> set[str]:
    return {match[1] or match[2] for match in _MENTIONED.finditer(text)}
