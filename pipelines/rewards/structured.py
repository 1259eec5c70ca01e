"""Structured answers: a JSON value, or numbers in order such as `(5,6)` or `rows={5} columns={6}`."""

import json
import re

from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Answer
from pipelines.rewards.final_answer import final_answer, last_lines
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, wrong

_INTEGER = re.compile(r"(?<![\w.])-?[0-9]{1,18}(?![\w]|\.[0-9])")
_FENCED = re.compile(r"```(?:json)?\s((?:(?!```).)*)```\s*\Z", re.DOTALL)
_BY = re.compile(r"(?<=[0-9])\s*[x×]\s*(?=[0-9])")
"""The sign in `5x6`."""


@reward("json", version=1)
def structured(answer: Answer, completion: str) -> Score:
    """Give full marks to the same JSON value, or to the same numbers in the same order.

    Where the answer's unit names its numbers, such as `rows, columns`, names in the completion
    decide which number is which.
    """
    found = final_answer(completion)
    fenced = _FENCED.search(completion) if found.found_by == "last_line" else None
    gold, parsed = answer.value, _parsed(fenced[1] if fenced else found.text)
    if parsed is not None:
        return compared(parsed, canonical_json(gold), parsed == canonical_json(gold))
    if not isinstance(gold, (list, tuple)) or not all(type(item) is int for item in gold):
        return wrong(f"expected {canonical_json(gold)[:80]}, got {found.text[:80]!r}")
    names = [name.strip() for name in answer.unit.split(",") if name.strip()]
    given = _numbers(found.text, names)
    if len(given) < len(gold) and found.found_by == "last_line":
        given = _numbers(last_lines(completion, len(gold)), names)
    return compared(given, list(gold), given == list(gold))


def _numbers(text: str, names: list[str]) -> list[int]:
    """Read the integers of a text, in the order of the names where it gives them names."""
    numbers = [int(match[0]) for match in _INTEGER.finditer(_BY.sub(" ", text))]
    said = text.casefold()
    places = [said.find(name.casefold().rstrip("s")) for name in names]
    if len(numbers) != len(names) or min(places, default=-1) < 0:
        return numbers
    order = sorted(range(len(names)), key=places.__getitem__)
    return [numbers[order.index(i)] for i in range(len(names))]


def _parsed(text: str) -> str | None:
    try:
        return canonical_json(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
