"""Gold as trainers write it, a bare text, as an answer that can be checked.

It may stand in `\\boxed{}`, between `<answer>` and `</answer>` or alone, and be a number, a letter,
LaTeX, yes or no, coordinates, or words. The question tells a letter's options, and whether two or
four numbers are a place in a picture.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from pipelines.corpora.reading import BadRecord
from pipelines.curation.formats.frames import MAX_PIXELS, Frame, Size, unframed
from pipelines.curation.formats.wording import unboxed
from pipelines.record.canonical import Json, exact
from pipelines.record.sample import Answer

LONGEST = 400
"""Characters of an answer that can still be compared as a whole."""
_WORDS = {"yes": True, "no": False, "true": True, "false": False}
_LETTER = re.compile(r"[(\[]?([A-Z])[)\]]?[.:]?(?:\s.*)?", re.DOTALL)
_ALONE = re.compile(r"[(\[]?([A-Z])[)\]]?[.:]?")
_PERCENT = re.compile(r"(-?[0-9][0-9,]*(?:\.[0-9]+)?)\s*\\?%")
_LATEX = re.compile(r"\\[a-zA-Z]+|[\^_]\{?|\$")
_PLACE = re.compile(
    r"\b(?:box(?:es)?|bbox(?:es)?|bounding|coordinates?|locate|region|click|tap|point)\b", re.I
)
_MARKS = (r"\({}\)", r"(?<![\w(]){}\)", r"(?<![\w(]){}\.", r"(?<![\w(]){}:")


def answer_of(
    gold: Any,
    question: str,
    *,
    options: Sequence[str] = (),
    boxes: Frame = "pixels",
    size: Size | None = None,
) -> Answer:
    """Make a typed answer. Raises BadRecord for gold that nothing could check.

    Args:
        options: texts of the letters, where the record lists them.
        boxes: the frame that coordinates are in.
        size: width and height of the picture they are in.
    """
    text = _as_text(gold)
    options = options or options_in(question)
    if letter := _letter(text, options):
        return Answer.choice(letter, options)
    if text.casefold() in _WORDS:
        return Answer.bool(_WORDS[text.casefold()])
    try:
        return Answer.number(text)
    except ValueError:
        pass
    if percent := _PERCENT.fullmatch(text):
        return Answer.number(percent[1], unit="%")
    if text[:1] in "[({" and (answer := _structured(text, question, boxes, size)) is not None:
        return answer
    if _LATEX.search(text):
        return Answer(kind="math", value=text)
    if len(text) > LONGEST:
        raise BadRecord("bad_answer", f"{len(text)} characters cannot be compared as a whole")
    return Answer.text(text)


def options_in(question: str) -> list[str]:
    """Find the options that a question lists behind the letters A, B, C, …, in one style."""
    for mark in _MARKS:
        starts: list[tuple[int, int]] = []
        for letter in "ABCDEFGHIJ":
            after = starts[-1][1] if starts else 0
            found = re.compile(rf"{mark.format(letter)}\s*").search(question, after)
            if found is None:
                break
            starts.append(found.span())
        if len(starts) < 2:
            continue
        ends = [start for start, _ in starts[1:]] + [len(question)]
        texts = [question[a:b] for (_, a), b in zip(starts, ends, strict=True)]
        # What follows the last option stands on a line of its own.
        cleaned = [text.strip().split("\n")[0].strip(" ,;") for text in texts]
        if all(cleaned) and len(set(cleaned)) == len(cleaned):
            return cleaned
    return []


def _as_text(gold: Any) -> str:
    if isinstance(gold, bool):
        return "yes" if gold else "no"
    if isinstance(gold, int | float):
        return str(gold)
    if isinstance(gold, list) and len(gold) == 1 and isinstance(gold[0], str):
        gold = gold[0]
    if isinstance(gold, str):
        text = unboxed(gold)
        wrapped = re.fullmatch(r"\$+([^$]+)\$+", text) or re.fullmatch(r"\\\((.+)\\\)", text)
        text = wrapped[1].strip() if wrapped else text
        text = unboxed(text)
    else:
        text = json.dumps(gold, ensure_ascii=False, default=str) if gold is not None else ""
    if not text:
        raise BadRecord("no_answer")
    if "\0" in text:
        raise BadRecord("bad_answer", "a NUL character")
    return text


def _letter(text: str, options: Sequence[str]) -> str:
    """Tell the letter that a gold text picks: `B`, `(B)`, `B. 12`, or the option's own words."""
    if not options:
        return ""
    last = chr(ord("A") + len(options) - 1)
    if (match := _ALONE.fullmatch(text)) and match[1] <= last:
        return match[1]
    if text in options:
        return chr(ord("A") + list(options).index(text))
    match = _LETTER.fullmatch(text)
    if match and match[1] <= last and text.endswith(options[ord(match[1]) - ord("A")]):
        return match[1]
    return ""


def _structured(text: str, question: str, boxes: Frame, size: Size | None) -> Answer | None:
    """Read JSON, or a pair in round brackets; None for what is neither."""
    bracketed = text.replace("(", "[").replace(")", "]") if text[0] == "(" else text
    try:
        value = json.loads(bracketed)
    except (ValueError, RecursionError):
        return None
    try:
        return _answer_in(value, question, boxes, size)
    except (ValueError, RecursionError) as error:
        raise BadRecord("bad_answer", str(error)[:200]) from error


def _answer_in(value: Any, question: str, boxes: Frame, size: Size | None) -> Answer:
    numbers = _numbers(value)
    if numbers is None or not _PLACE.search(question):
        return Answer.json(exact(value))
    if boxes != "pixels" and size is None:
        raise BadRecord("no_frame", f"coordinates in {boxes} of no picture")
    placed = unframed(numbers, boxes, size or (1, 1), MAX_PIXELS)
    nested = isinstance(value[0], list)
    if len(placed) % 4 == 0 and (nested or len(placed) == 4):
        groups: list[Json] = [placed[i : i + 4] for i in range(0, len(placed), 4)]
        return Answer(kind="boxes", value=groups) if nested else Answer(kind="box", value=placed)
    if len(placed) == 2:
        return Answer(kind="point", value=placed)
    return Answer.json(exact(value))


def _numbers(value: Any) -> list[float] | None:
    """Flatten a list of numbers, or a list of such lists; None for anything else."""
    if not isinstance(value, list) or not value:
        return None
    flat = [n for one in value for n in (one if isinstance(one, list) else [one])]
    plain = all(isinstance(n, int | float) and not isinstance(n, bool) for n in flat)
    return [float(n) for n in flat] if plain else None
