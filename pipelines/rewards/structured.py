"""Structured answers: a JSON value, or numbers in order such as `(5,6)` or `rows={5} columns={6}`."""

import json
import re
from typing import Any

from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Reference, plain_decimal
from pipelines.rewards.final_answer import final_answer, is_denied, last_lines
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, wrong

_INTEGER = re.compile(r"(?<![\w.])-?[0-9]{1,18}(?![\w]|\.[0-9])")
_FENCED = re.compile(r"```(?:json)?\s((?:(?!```).)*)```\s*\Z", re.DOTALL)
_BY = re.compile(r"(?<=[0-9])\s*[x×]\s*(?=[0-9])")
"""The sign in `5x6`."""


@reward("json", version=2)
def structured(reference: Reference, completion: str) -> Score:
    """Give full marks to the same JSON value, or to the same numbers in the same order.

    Where the answer's unit names its numbers, such as `rows, columns`, names in the completion
    decide which number is which. A decimal string in the reference stands for that number.
    """
    answer, found = reference.answer, final_answer(completion)
    gold, parsed = answer.value, parsed_json(answer_or_fence(completion))
    if parsed is not None:
        given = canonical_json(parsed)
        return compared(given, canonical_json(gold), given == canonical_json(gold))
    if not isinstance(gold, (list, tuple)) or not all(type(item) is int for item in gold):
        return wrong(f"expected {canonical_json(gold)[:80]}, got {found.text[:80]!r}")
    if is_denied(found.text):
        return wrong(f"expected {canonical_json(gold)[:80]}, found a denial: {found.text[:80]!r}")
    names = [name.strip() for name in answer.unit.split(",") if name.strip()]
    numbers = _numbers(found.text, names)
    if len(numbers) < len(gold) and found.found_by == "last_line":
        numbers = _numbers(last_lines(completion, len(gold)), names)
    return compared(numbers, list(gold), numbers == list(gold))


def answer_or_fence(completion: str) -> str:
    """Give the final answer, or the fenced block that ends a completion without another mark."""
    found = final_answer(completion)
    fenced = _FENCED.search(completion) if found.found_by == "last_line" else None
    return fenced[1] if fenced else found.text


def parsed_json(text: str) -> Any:
    """Parse JSON without floats: whole ones become integers, others decimal strings.

    None for what is no JSON, and for what says a key twice or is not finite.
    """
    try:
        return json.loads(
            text,
            parse_float=_exact,
            parse_constant=_refuse,
            object_pairs_hook=_each_key_once,
        )
    except (ValueError, TypeError, RecursionError):
        return None


def _numbers(text: str, names: list[str]) -> list[int]:
    """Read the integers of a text, in the order of the names where it gives them names."""
    numbers = [int(match[0]) for match in _INTEGER.finditer(_BY.sub(" ", text))]
    said = text.casefold()
    places = [said.find(name.casefold().rstrip("s")) for name in names]
    if len(numbers) != len(names) or min(places, default=-1) < 0:
        return numbers
    order = sorted(range(len(names)), key=places.__getitem__)
    return [numbers[order.index(i)] for i in range(len(names))]


def _exact(number: str) -> int | str:
    plain = plain_decimal(number)
    return plain if "." in plain else int(plain)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key said twice")
    return dict(pairs)
