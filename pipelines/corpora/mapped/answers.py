"""The answer of a mapped record, typed as the mapping says."""

import re
from collections.abc import Mapping as Record
from collections.abc import Sequence
from typing import Any

from pipelines.corpora.mapped.fields import filled, list_at, value_at
from pipelines.corpora.mapped.mapping import AnswerMap
from pipelines.corpora.mapped.places import in_pixels
from pipelines.corpora.options import choice_of, letter, option_texts
from pipelines.corpora.reading import BadRecord, Fields, parse_json, plain_text
from pipelines.record.canonical import exact
from pipelines.record.media import Media
from pipelines.record.sample import Answer

LONGEST = 20_000
"""Characters of a text in which an answer is looked for."""

_LETTERED_LINE = re.compile(r"^\s*[(\[]?([A-Z])\s*(?:[)\]][.:]?|[.:])\s*(\S.*?)\s*$", re.MULTILINE)
_BOXED = re.compile(r"\\boxed\s*\{(.*)\}", re.DOTALL)
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


def options_of(record: Fields, answer: AnswerMap) -> list[str]:
    """Give the options of a choice; none for other answers. Raises BadRecord for bad ones."""
    if answer.options:
        given = value_at(record, answer.options)
        if answer.without_options and given in (None, "", "[]", []):
            return []
        if isinstance(given, Record):  # {"A": …, "B": …}
            given = [given[key] for key in sorted(given)]
            return option_texts(given)
        return option_texts(list_at(record, answer.options))
    if not answer.options_in:
        return []
    found = _LETTERED_LINE.findall(filled(f"{{{answer.options_in}}}", record))
    # The last run of A, B, C, … counts: a question may have lettered parts of its own.
    start = max((i for i, (mark, _) in enumerate(found) if mark == "A"), default=len(found))
    run = [text for i, (mark, text) in enumerate(found[start:]) if mark == letter(i)]
    return option_texts(run)


def answer_of(
    record: Fields, answer: AnswerMap, options: Sequence[str], media: Sequence[Media]
) -> Answer:
    """Make the answer. Raises BadRecord where there is none of the kind that the mapping names."""
    value = _given(record, answer)
    try:
        made = _typed(value, record, answer, options, media)
    except (ValueError, TypeError) as error:
        if isinstance(error, BadRecord):
            raise
        raise BadRecord("bad_answer", str(error)[:200]) from error
    return made


def _typed(
    value: Any, record: Fields, answer: AnswerMap, options: Sequence[str], media: Sequence[Media]
) -> Answer:
    kind = answer.kind
    if kind == "choice" and not options and answer.without_options:
        kind = answer.without_options
    tolerance = filled(answer.tolerance, record)
    if kind == "number":
        unit = filled(answer.unit, record)
        return Answer.number(_bare(value), tolerance=tolerance, unit=unit)
    if kind == "choice" and options:
        return _choice(value, answer, options)
    if kind == "bool":
        return Answer.bool(_truth(value, answer))
    if kind in ("box", "boxes", "point"):
        places = in_pixels(value, answer, record, media)
        if kind == "boxes" and isinstance(places, list) and len(places) == 1:
            kind, places = "box", places[0]
        return Answer(kind=kind, value=places, tolerance=tolerance)
    if kind in ("set", "json"):
        return Answer(kind=kind, value=exact(_structure(value, as_list=kind == "set")))
    text = _bare(value) if kind == "math" else plain_text(value)
    variants = list_at(record, answer.variants) if answer.variants else []
    return Answer(kind=kind, value=text, variants=tuple(map(plain_text, variants)))


def _given(record: Fields, answer: AnswerMap) -> Any:
    value = answer.value or value_at(record, answer.field)
    if value is None or value == "":
        raise BadRecord("no_answer", f"no {answer.field!r}")
    if not answer.pattern:
        return value
    text = plain_text(value)[:LONGEST]
    found = list(re.finditer(answer.pattern, text))
    if not found:
        raise BadRecord("no_answer", f"the pattern finds nothing in {text[:80]!r}")
    # The last one: a text that works towards its answer ends with it.
    return found[-1][1] if found[-1].re.groups else found[-1][0]


def _choice(value: Any, answer: AnswerMap, options: Sequence[str]) -> Answer:
    if answer.by in ("0", "1"):
        place = int(plain_text(value)) - int(answer.by)
        if not 0 <= place < len(options):
            raise BadRecord("bad_answer", f"place {value!r} of {len(options)} options"[:200])
        return Answer.choice(letter(place), options)
    if answer.by == "letter":
        return Answer.choice(plain_text(value).strip("()[].: ").upper(), options)
    return choice_of(value, options)


def _truth(value: Any, answer: AnswerMap) -> bool:
    said = str(value).strip().casefold().rstrip(".")
    if said in {word.casefold() for word in answer.true}:
        return True
    if said in {word.casefold() for word in answer.false}:
        return False
    raise BadRecord("bad_answer", f"{value!r} is neither yes nor no"[:200])


def _bare(value: Any) -> str:
    """Take a number or a formula out of what corpora wrap around it."""
    text = plain_text(value)
    for wrapped in (_TAGGED, _BOXED):
        text = match[1].strip() if (match := wrapped.search(text)) else text
    return text.strip().strip("$").strip()


def _structure(value: Any, *, as_list: bool) -> Any:
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        return parse_json(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, str) and as_list:
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, bytes):
        raise BadRecord("bad_answer", "bytes")
    return value
