"""An answer that follows its media: boxes, points, time marks, and left and right in words.

Pure and in plain values. What cannot follow says why (`CannotRemap`): a target that was cut away or
hidden, a box that a turn would make too large, words that may not speak of a side. The letter of a
choice moves with its options inside the transform itself (`augment.text.shuffled`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import factorial

from augment.errors import CannotRemap
from augment.history import Applied, replay, steps_for
from augment.lexicon import named_moment, revealed
from augment.number_format import styles_of
from augment.places import coordinates, moved_value, shrinkage
from augment.question import Question
from augment.ruling import Ruling, forbid, narrowed
from augment.sides import mirrored
from augment.text import CannotShuffle, shuffled
from augment.timing import same_time
from augment.transforms import Transform, find
from augment.typos import mistypable

PLACES = ("box", "boxes", "point")
"""Kinds of answers that are places in a picture."""
PLACE_TAGS = frozenset({"grounding", "gui"})
SECOND = {"s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 1000, "millisecond": 1000}
SECOND |= {"milliseconds": 1000}
"""How many of a unit are a second."""
TIME_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """What is asked about: its label tags, and the size of what is shown."""

    tags: frozenset[str] = frozenset()
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of each picture."""
    seconds: tuple[float, ...] = ()
    """Length of each clip."""


def bearable(name: str, ruling: Ruling, question: Question, shown: Shown) -> Ruling:
    """Narrow a ruling to what this question and its answer can bear; forbid what they cannot."""
    if not ruling.allowed:
        return ruling
    transform = find(name)
    if transform.medium == "text":
        return _bearable_words(name, ruling, question)
    try:
        _require_movable(transform, ruling, question, shown)
    except CannotRemap as refused:
        return forbid(refused.detail)
    return ruling


def moved(
    question: Question, history: Sequence[Applied], remapped: Collection[str], shown: Shown
) -> Question:
    """Return the question as it is asked about the augmented media, with the answer it has then.

    Text steps are replayed; the answer moves along with the transforms named in `remapped`. Raises
    CannotRemap when it cannot follow.
    """
    question = replay(question, steps_for("text", history))
    names = [applied.name for applied in history if applied.name in remapped]
    if "flip_horizontal" in names and _asks_for_sides(question, shown):
        question = mirrored(question)
    if question.kind in PLACES and any(_is_spatial(find(name)) for name in names):
        question = _in_its_place(question, history, shown)
    if any(find(name).retime is not None for name in names):
        question = _at_its_time(question, history, shown)
    return question


def _bearable_words(name: str, ruling: Ruling, question: Question) -> Ruling:
    """Forbid a change of words that would change nothing, or that these options do not bear."""
    if name == "shuffle_options":
        try:
            shuffled(question, order=1)
        except CannotShuffle as refused:
            return forbid(str(refused))
        return narrowed(ruling, {"order": (1, factorial(min(len(question.options), 8)) - 1)})
    if name == "number_format":
        styles = styles_of(question)
        if not styles:
            return forbid("no number could be written otherwise")
        return narrowed(ruling, {"style": (styles[0], styles[-1])})
    if name == "typing_noise" and not mistypable(question):
        return forbid("no word could be mistyped and still be read")
    return ruling


def _require_movable(
    transform: Transform, ruling: Ruling, question: Question, shown: Shown
) -> None:
    """Raise CannotRemap where the answer could not follow this transform."""
    if question.kind in PLACES and _is_spatial(transform) and not shown.tags & PLACE_TAGS:
        raise CannotRemap("no_tag", "the answer is a place, and no tag says so")
    if ruling.outcome != "remap":
        return
    if _is_spatial(transform):
        _require_spatial(transform, question, shown)
    elif transform.retime is not None:
        _moment(question, shown)
    else:
        raise CannotRemap("no_way", f"nothing says how an answer follows {transform.name!r}")


def _require_spatial(transform: Transform, question: Question, shown: Shown) -> None:
    if len(shown.sizes) != 1 or not all(shown.sizes[0]):
        raise CannotRemap("no_one_picture", "not one picture is meant, of a size that is known")
    places, sides = _asks_for_places(question, shown), _asks_for_sides(question, shown)
    if not (places or (sides and transform.name == "flip_horizontal")):
        raise CannotRemap("no_way", f"nothing says how an answer follows {transform.name!r}")
    if places and not (question.kind in PLACES and coordinates(question.value)):
        raise CannotRemap("no_place", f"an answer of kind {question.kind!r} has no place to move")
    if sides and transform.name == "flip_horizontal":
        mirrored(question)


def _is_spatial(transform: Transform) -> bool:
    return transform.move is not None or transform.name == "occlude"


def _asks_for_places(question: Question, shown: Shown) -> bool:
    revealing = "grounding" in revealed("image", question.text)
    return bool(shown.tags & PLACE_TAGS) or question.kind in PLACES or revealing


def _asks_for_sides(question: Question, shown: Shown) -> bool:
    said = "\n".join((*question.texts, *question.answers))
    return "sides" in shown.tags or "sides" in revealed("image", said)


def _in_its_place(question: Question, history: Sequence[Applied], shown: Shown) -> Question:
    """Move boxes and points, and the distance that still counts as near."""
    (size,) = shown.sizes
    value = moved_value(question.kind, question.value, size, history, is_target="gui" in shown.tags)
    tolerance = question.tolerance
    numbers = coordinates(question.value)
    if question.kind == "point" and len(numbers) == 2 and tolerance:
        scale = Decimal(str(round(shrinkage((numbers[0], numbers[1]), size, history), 4)))
        tolerance = _plain(Decimal(tolerance) * scale, 2)
    return replace(question, value=value, tolerance=tolerance)


def _moment(question: Question, shown: Shown) -> tuple[Fraction, int]:
    """Read a time mark in seconds, with how many of its unit are one; or raise CannotRemap."""
    per_second = SECOND.get(question.unit.strip().casefold())
    if "timestamp" not in shown.tags or question.kind != "number" or per_second is None:
        raise CannotRemap("no_moment", "only a number of seconds tagged 'timestamp' can be moved")
    if len(shown.seconds) != 1 or not shown.seconds[0]:
        raise CannotRemap("no_one_clip", "not one clip is meant, of a length that is known")
    if found := named_moment("\n".join(question.texts)):
        raise CannotRemap("moment_in_prose", f"the question speaks of {found!r}")
    if not question.tolerance:
        raise CannotRemap("exact_moment", "a time mark without a tolerance cannot be moved exactly")
    try:
        return Fraction(str(question.value)) / per_second, per_second
    except ValueError:
        raise CannotRemap("unreadable_answer", f"{question.value!r} is no number") from None


def _at_its_time(question: Question, history: Sequence[Applied], shown: Shown) -> Question:
    """Move a time mark, and an absolute tolerance with it."""
    moment, per_second = _moment(question, shown)
    there = same_time(Fraction(str(shown.seconds[0])))
    for applied in history:
        transform = find(applied.name, applied.version)
        if transform.retime is not None:
            there = there.then(transform.retime(there.seconds, **applied.params))
    if not there.is_inside(moment):
        raise CannotRemap("cut_away", f"{question.value} {question.unit} is no longer in the clip")
    (at,) = there.move_times([moment])
    tolerance = question.tolerance
    if not tolerance.endswith("%"):
        scale = min(there.scale, Fraction(1))
        tolerance = _plain(_decimal(Fraction(tolerance) * scale), TIME_DECIMALS)
    return replace(
        question, value=_plain(_decimal(at * per_second), TIME_DECIMALS), tolerance=tolerance
    )


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _plain(number: Decimal, places: int) -> str:
    """Write a number as the record does: plain digits, no zeros behind."""
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
