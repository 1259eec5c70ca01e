"""One question in another form: an open one as multiple choice, and either as yes or no.

The forms are the stages of Curr-ReFT (arXiv 2503.07065). Which wrong answers stand beside the right
one is drawn by who knows the other answers of a corpus; it is all in the parameters, so applying
them is pure.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from string import ascii_uppercase

import numpy as np

from augment.errors import AugmentError
from augment.question import Question
from augment.text import check_options
from augment.transform import Params, Transform

OPEN = ("number", "text", "math")
"""Kinds of answers that can stand among options: short, and compared as a whole."""
MOST_OPTIONS = 8
CLAIM = "Is the answer {claim}?"
"""How the answer is to be given is left to the prompt template, as for every question."""


class CannotConvert(AugmentError):
    """A question that has no such form; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"the question has no other form: {detail}")
        self.reason = reason


def in_words(question: Question) -> str:
    """Give the answer as an option or a claim says it: with its unit; of a choice, its text."""
    if question.kind == "choice":
        return question.options[ascii_uppercase.index(str(question.value))]
    return with_unit(str(question.value), question.unit)


def with_unit(value: str, unit: str) -> str:
    """Write a number with its unit: `25%`, `5 km`."""
    return f"{value}{unit}" if unit in ("", "%") else f"{value} {unit}"


def as_choice(question: Question, *, others: str, place: int) -> Question:
    """Ask an open question as multiple choice, with the right option at a place counted from 0.

    Args:
        others: the wrong options in their order, as a JSON list.

    Raises AugmentError for a question that is not open, or options that cannot stand together.
    """
    if question.kind not in OPEN:
        raise CannotConvert("not_open", f"an answer of kind {question.kind!r} is no option")
    wrong = _listed(others)
    if not 0 <= place <= len(wrong):
        raise CannotConvert("no_place", f"{len(wrong) + 1} options have no place {place}")
    options = (*wrong[:place], in_words(question), *wrong[place:])
    check_options(options)
    lines = (f"{letter}) {text}" for letter, text in zip(ascii_uppercase, options, strict=False))
    asked = _followed_by(question, *lines)
    return _answered(asked, "choice", ascii_uppercase[place], options)


def as_yes_no(question: Question, *, claim: str) -> Question:
    """Ask whether the answer is what is claimed; the options of a choice stay in sight.

    Raises AugmentError for a question that nothing can be claimed about.
    """
    if question.kind == "choice":
        check_options(question.options)
        if claim not in question.options:
            raise CannotConvert("no_option", f"{claim!r} is none of its options")
    elif question.kind not in OPEN:
        raise CannotConvert("not_open", f"an answer of kind {question.kind!r} cannot be claimed")
    said = f'"{claim}"' if " " in claim and question.kind != "number" else claim
    asked = _followed_by(question, CLAIM.format(claim=said))
    return _answered(asked, "bool", claim == in_words(question))


def draw_choice(rng: np.random.Generator, *, wrong: Sequence[str], place: int) -> Params:
    """Choose the order of the wrong options around the right one."""
    order = [wrong[i] for i in rng.permutation(len(wrong))]
    return {"others": json.dumps(order, ensure_ascii=False), "place": place}


def draw_yes_no(rng: np.random.Generator, *, claims: Sequence[str]) -> Params:
    """Choose what is claimed."""
    return {"claim": claims[int(rng.integers(len(claims)))]}


def _listed(others: str) -> tuple[str, ...]:
    try:
        wrong = json.loads(others)
    except ValueError:
        wrong = None
    if not isinstance(wrong, list) or not all(isinstance(one, str) and one for one in wrong):
        raise CannotConvert("no_list", f"{others[:80]!r} is no JSON list of texts")
    if not 1 <= len(wrong) < MOST_OPTIONS:
        raise CannotConvert("no_list", f"{len(wrong)} wrong options, not 1 to {MOST_OPTIONS - 1}")
    return tuple(wrong)


def _followed_by(question: Question, *lines: str) -> Question:
    """Put lines behind the last thing that the user says."""
    if not question.texts:
        raise CannotConvert("no_words", "the prompt asks nothing in words")
    *before, last = question.texts
    return replace(question, texts=(*before, "\n".join([last.rstrip(), *lines])))


def _answered(
    question: Question, kind: str, value: str | bool, options: tuple[str, ...] = ()
) -> Question:
    return replace(
        question, kind=kind, value=value, options=options, variants=(), unit="", tolerance=""
    )


TRANSFORMS = (
    Transform(
        name="as_choice",
        medium="text",
        bounds={"place": (0, MOST_OPTIONS - 1)},
        words={"others": r"\[.+\]"},
        draw=draw_choice,
        apply=as_choice,
    ),
    Transform(
        name="as_yes_no",
        medium="text",
        bounds={},
        words={"claim": r"\S.*"},
        draw=draw_yes_no,
        apply=as_yes_no,
    ),
)
