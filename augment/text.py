"""Moving the options of a multiple-choice question, and its answer with them.

`shuffle_options` and its companions work on one text; `shuffled` is the transform of a Question.

Only a list that is found whole is rewritten: every option exactly once behind its letter, in
order, as `A) 7`, `(A) red` or `A. x`, one a line or one after the other. What prose says of the
options stays as it is, so a question that leans on their letters is refused.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from string import ascii_uppercase

import numpy as np

from augment.errors import AugmentError
from augment.question import Question
from augment.transform import Params, Range, Transform, between

ORDERS: Range = (1, math.factorial(8) - 1)
"""Numbers of orders; of more than eight options, the last eight change places."""

_MARKERS = (r"(?<!\w)\({}\)", r"(?<![\w(\[]){}\)", r"(?<![\w(\[]){}\.", r"(?<![\w(\[]){}:")
_BETWEEN = r"\.?(?:\s*[,;]\s*|\s+)(?:(?:or|and)\s+)?"
# Nothing may follow the last option that could be more of it.
_AFTER = r"(?=[^\S\n]*(?:\n|\Z)|[.;?!](?:\s|\Z))"

_REFERS = re.compile(
    r"\b(?:all|none|any|both|neither|either|some|one|two|three)\s+(?:of\s+)?(?:the\s+)?"
    r"(?:above|below|these|those|them|others?|options?|choices?|answers?)\b"
    r"|\b(?:above|below|previous|preceding|following|other)\s+(?:options?|choices?|answers?)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\b(?i:option|choice|alternative)s?\s*[(\[]?[A-Z]\b")


class CannotShuffle(AugmentError):
    """Options that cannot be moved; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"the options cannot be moved: {detail}")
        self.reason = reason


def shuffle_options(text: str, options: Sequence[str], order: Sequence[int]) -> str:
    """Write the options in another order: place i gets the option that stood at `order[i]`.

    Raises CannotShuffle when they are not one lettered list, or speak of each other.
    """
    _check_order(order, len(options))
    check_options(options)
    spans = _spans(text, options)
    if names_a_letter(text[: spans[0][0]] + "\n" + text[spans[-1][1] :]):
        raise CannotShuffle("letter_in_prose", "the question names one by its letter")
    parts, end = [], 0
    for (start, stop), moved in zip(spans, order, strict=True):
        parts += [text[end:start], options[moved]]
        end = stop
    return "".join([*parts, text[end:]])


def move_letter(letter: str, order: Sequence[int]) -> str:
    """Give the letter that an option has after the move."""
    return ascii_uppercase[list(order).index(ascii_uppercase.index(letter))]


def names_a_letter(text: str) -> bool:
    """Whether a text speaks of an option by its letter, such as `option B`."""
    return _NAMED.search(text) is not None


def cyclic_orders(options: int, wanted: int) -> list[tuple[int, ...]]:
    """Give up to `wanted` shifts of a list, never the list as it stands.

    All `options - 1` of them bring every option to every place once.
    """
    shifts = range(1, min(wanted, options - 1) + 1)
    return [tuple((i + shift) % options for i in range(options)) for shift in shifts]


def numbered_order(number: int, count: int) -> tuple[int, ...]:
    """Give an order of `count` things by its number: 0 leaves them as they are, each is another.

    In the order of dictionaries, by the factorial number system. Raises AugmentError for a number
    that so few things have not.
    """
    if not 0 <= number < math.factorial(count):
        raise AugmentError(f"{count} options have no order number {number}")
    left, order = list(range(count)), []
    for place in range(count - 1, -1, -1):
        at, number = divmod(number, math.factorial(place))
        order.append(left.pop(at))
    return tuple(order)


def shuffled(question: Question, *, order: int) -> Question:
    """Move the options of a choice into an order by its number, and the right letter with them.

    Raises CannotShuffle when they are not one lettered list, or speak of each other.
    """
    if question.kind != "choice":
        raise CannotShuffle("no_choice", f"an answer of kind {question.kind!r} has none")
    places = numbered_order(order, len(question.options))
    texts = _with_list_moved(question, places)
    options = tuple(question.options[place] for place in places)
    letter = move_letter(str(question.value), places)
    return replace(question, texts=texts, value=letter, options=options)


def _with_list_moved(question: Question, order: Sequence[int]) -> tuple[str, ...]:
    """Rewrite the one text that lists the options; the others may not name one by its letter."""
    moved = [_moved(text, question.options, order) for text in question.texts]
    if (lists := sum(text is not None for text in moved)) != 1:
        reason = "several_lists" if lists else "no_list"
        raise CannotShuffle(reason, f"{lists} texts of the prompt list them")
    if any(names_a_letter(text) for text in question.around):
        raise CannotShuffle("letter_in_prose", "the prompt names one by its letter")
    return tuple(new or old for new, old in zip(moved, question.texts, strict=True))


def _moved(text: str, options: Sequence[str], order: Sequence[int]) -> str | None:
    """Rewrite a text that lists the options; None where it does not speak of them."""
    try:
        return shuffle_options(text, options, order)
    except CannotShuffle as refused:
        if refused.reason != "no_list":
            raise
    if names_a_letter(text):
        raise CannotShuffle("letter_in_prose", "the prompt names one by its letter")
    return None


def _check_order(order: Sequence[int], count: int) -> None:
    if sorted(order) != list(range(count)):
        raise AugmentError(f"{list(order)} is no order of {count} options")


def check_options(options: Sequence[str]) -> None:
    """Raise CannotShuffle for options that mean something else in another place."""
    letters = ascii_uppercase[: len(options)]
    if len(options) < 2 or len({text.strip().casefold() for text in options}) < len(options):
        raise CannotShuffle("same_options", "two are the same, or there is only one")
    pair = re.compile(rf"(?<!\w)[{letters}]\)?\s*(?:,|/|&|and|or|nor)\s*\(?[{letters}](?!\w)")
    for text in options:
        plain = text.strip()
        if not plain or plain.upper() in letters:
            raise CannotShuffle("letter_option", f"{text!r} is itself a letter, or empty")
        if (
            _REFERS.search(plain)
            or pair.search(plain)
            or re.search(rf"\bonly [{letters}]\b", plain)
        ):
            raise CannotShuffle("refers_to_others", f"{text!r} speaks of other options")


def _spans(text: str, options: Sequence[str]) -> list[tuple[int, int]]:
    """Find the texts of the options in the one list that holds them all."""
    found = [match for pattern in _patterns(options) for match in pattern.finditer(text)]
    if len(found) != 1:
        reason = "several_lists" if found else "no_list"
        told = f"{len(found)} lettered lists hold them" if found else "no lettered list holds them"
        raise CannotShuffle(reason, told)
    rest = text[found[0].end() :]
    if len(options) < len(ascii_uppercase) and any(
        re.match(_BETWEEN + marker.format(ascii_uppercase[len(options)]), rest)
        for marker in _MARKERS
    ):
        raise CannotShuffle("list_goes_on", "the lettered list is longer than the options")
    return [found[0].span(i + 1) for i in range(len(options))]


def _patterns(options: Sequence[str]) -> Iterator[re.Pattern[str]]:
    """Give the pattern of the whole list for each way to write a letter."""
    for marker in _MARKERS:
        items = (
            rf"{marker.format(letter)}\s*({re.escape(option)})"
            for letter, option in zip(ascii_uppercase, options, strict=False)
        )
        yield re.compile(_BETWEEN.join(items) + _AFTER)


def draw_shuffled(rng: np.random.Generator, *, order: Range = (1, 1)) -> Params:
    """Choose an order by its number; without knowing how many options there are, the next one."""
    return {"order": between(rng, order)}


TRANSFORMS = (
    Transform(
        name="shuffle_options",
        medium="text",
        bounds={"order": ORDERS},
        draw=draw_shuffled,
        apply=shuffled,
    ),
)
