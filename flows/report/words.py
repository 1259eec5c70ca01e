"""How the page writes numbers, intervals and histories: plainly, and the same everywhere."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

LONGEST_WORD = 16
"""Characters of a drawn word that are shown, such as of the hash of a clip."""
DASH = "–"


def count(value: float | None) -> str:
    """Write a whole number with its thousands apart."""
    return DASH if value is None else f"{value:,.0f}"


def percent(share: float | None, digits: int = 0) -> str:
    """Write a share as a percentage."""
    return DASH if share is None else f"{100 * share:.{digits}f}%"


def between(low: float | None, high: float | None, digits: int = 0) -> str:
    """Write an interval of shares; nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}%"


def points(difference: float | None) -> str:
    """Write a difference of shares in points, with its sign."""
    return DASH if difference is None else f"{100 * difference:+.1f}".replace("-", "−")


def points_between(low: float | None, high: float | None) -> str:
    """Write an interval of differences in points."""
    return "" if low is None or high is None else f"{points(low)} to {points(high)}"


def plural(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def shortened(text: str, most: int) -> str:
    """Cut a text, and say so with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def history_in_words(history: str | None) -> list[str]:
    """Say what was done to a view, a line for each step, without the seeds.

    Says so of a history that cannot be read: the page goes on.
    """
    try:
        steps: Sequence[Mapping[str, Any]] = json.loads(history or "[]")
        return [_step_in_words(step) for step in steps]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ["a history that cannot be read"]


def _step_in_words(step: Mapping[str, Any]) -> str:
    drawn = ", ".join(
        f"{key.replace('_', ' ')} {str(value)[:LONGEST_WORD]}"
        for key, value in step["params"].items()
        if key != "seed"
    )
    name = str(step["name"]).replace("_", " ")
    return f"{name}: {drawn}" if drawn else name


def answer_in_words(answer: str) -> str:
    """Give an answer, from the catalog's JSON, as a person would read it."""
    from pipelines.preview import in_words
    from pipelines.record.sample import Answer

    try:
        return in_words(Answer.from_json(json.loads(answer)))
    except (ValueError, KeyError, TypeError, IndexError):
        return answer


def changed_words(before: str, after: str) -> Markup:
    """Show a text with what was struck out and what came in, marked as such."""
    from difflib import SequenceMatcher

    then, now = before.split(), after.split()
    out = []
    for what, a, b, c, d in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        if what == "equal":
            out.append(Markup("{}").format(" ".join(now[c:d])))
            continue
        if b > a:
            out.append(Markup("<del>{}</del>").format(" ".join(then[a:b])))
        if d > c:
            out.append(Markup("<ins>{}</ins>").format(" ".join(now[c:d])))
    return Markup(" ").join(out)
