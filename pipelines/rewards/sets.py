"""Sets: which of several things apply, in any order."""

import json
import re
from collections.abc import Sequence
from itertools import takewhile

from pipelines.record.sample import Answer, Reference, plain_decimal
from pipelines.rewards.final_answer import is_denied, last_lines
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, unscored, wrong
from pipelines.rewards.structured import answer_or_fence, parsed_json
from pipelines.rewards.text import normal_text

_BRACKETED = re.compile(r"(?s).*?([\[({])([^\[\](){}]*)[\])}]\W*")
_LEAD = re.compile(r"(?s).*(?:\b(?:is|are|includes?|contains?)\b:?|:)\s+(?=\S)", re.IGNORECASE)
_APART = re.compile(r"\s*[,;\n•]\s*")
_BULLET = re.compile(r"\s*(?:[-*•]|[0-9]{1,2}[.)])\s+")
LONGEST_LIST = 50
_AND = re.compile(r"\s+(?:and|&)\s+|^(?:and|&)\s+", re.IGNORECASE)


@reward("set", version=2)
def set_(reference: Reference, completion: str) -> Score:
    """Give what is shared over what either has; only the very set is correct.

    A thing said twice counts once. Where the answer has options, letters and their texts are one,
    and only the very set has a value: picking every letter is no part of an answer.
    """
    answer = reference.answer
    if not isinstance(answer.value, (list, tuple)) or not answer.value:
        return unscored(f"the reference {answer.value!r} is no set"[:200])
    gold = {_item(str(one), answer.options) for one in answer.value}
    text = _listed(completion) or answer_or_fence(completion)
    given = set() if is_denied(text) else _items(text, gold, answer)
    value = len(gold & given) / len(gold | given)
    reason = "match" if gold == given else f"expected {_shown(gold)}, got {_shown(given)}"
    if not gold & given or (answer.options and gold != given):
        return wrong(reason)
    return Score(value, gold == given, reason, {"iou": value})


def _listed(completion: str) -> str:
    """Give the list of bullets that ends a completion; empty where none does."""
    lines = last_lines(completion, LONGEST_LIST).splitlines()
    bullets = list(takewhile(_BULLET.match, reversed(lines)))
    return "\n".join(_BULLET.sub("", line) for line in bullets)


def _items(text: str, gold: set[str], answer: Answer) -> set[str]:
    """Read a list in JSON, in brackets, or in a sentence."""
    parsed = parsed_json(text)
    if isinstance(parsed, list):
        items = [one if isinstance(one, str) else json.dumps(one) for one in parsed]
        return {_item(one, answer.options) for one in items} - {""}
    if match := _BRACKETED.fullmatch(text):
        text = match[2]
    else:
        text = _LEAD.sub("", text.strip(), count=1)
    pieces = [piece for piece in _APART.split(text.strip().rstrip(".")) if piece]
    return {
        _item(one, answer.options) for piece in pieces for one in _apart(piece, gold, answer)
    } - {""}


def _apart(piece: str, gold: set[str], answer: Answer) -> list[str]:
    """Part `a and b` where it is not the name of one thing, or the end of such a name."""
    words, items = _AND.split(piece), []
    while words:
        sizes = range(len(words), 0, -1)
        joined = ((size, " and ".join(words[:size])) for size in sizes)
        known = ((size, one) for size, one in joined if _item(one, answer.options) in gold)
        size, item = next(known, (1, words[0]))
        items.append(item)
        words = words[size:]
    return items


def _item(raw: str, options: Sequence[str]) -> str:
    """Write a thing in the form in which it is compared."""
    plain = normal_text(raw.strip().strip("'\"` "))
    letters = {chr(ord("a") + i): normal_text(option) for i, option in enumerate(options)}
    if plain in letters:
        return letters[plain]
    try:
        return plain_decimal(plain)
    except ValueError:
        return plain


def _shown(items: set[str]) -> str:
    return "{" + ", ".join(sorted(items))[:80] + "}"
