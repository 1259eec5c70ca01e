"""Which transform leaves which kind of answer true. What nobody has ruled on is forbidden.

The table (`augment.table`) rules by the tags of a sample; the words of its question
(`augment.lexicon`) may bring in further rules.
"""

from collections.abc import Iterable

from augment.lexicon import named_place, revealed
from augment.ruling import Outcome, Ruling, forbid, narrowed, remap, safe, together
from augment.table import COLUMNS, TABLE, TAGS, Table, overridden, read_table
from augment.transforms import TRANSFORMS, Transform

__all__ = [
    "COLUMNS",
    "TABLE",
    "TAGS",
    "Outcome",
    "Ruling",
    "Table",
    "forbid",
    "narrowed",
    "overridden",
    "read_table",
    "remap",
    "revealed",
    "safe",
    "verdict",
]


def verdict(
    tags: Iterable[str],
    transform: str,
    question: str = "",
    answer: str = "",
    *,
    table: Table = TABLE,
) -> Ruling:
    """Rule on one transform for one sample: every tag must allow it, and every word that asks.

    Words of the question or the answer that reveal another kind of task bring in its rule too;
    they can only forbid or tighten, never allow what the tags do not.
    """
    given = sorted(set(tags))
    if transform not in table or transform not in TRANSFORMS:
        return forbid(f"nobody has ruled on transform {transform!r}")
    if not given:
        return forbid(f"a sample without tags says nothing that would make {transform!r} safe")
    if place := _left_behind(TRANSFORMS[transform], question):
        return forbid(f"the question speaks of {place!r}, which would have to move too")
    rules = [_by_tag(table, transform, tag) for tag in given]
    words = revealed(TRANSFORMS[transform].medium, f"{question}\n{answer}")
    rules += [
        _by_word(table, transform, *found) for found in words.items() if found[0] not in given
    ]
    return together(rules)


def _left_behind(transform: Transform, question: str) -> str:
    """Find a place that the question names by its coordinates, and that the transform moves."""
    return named_place(question) if transform.move is not None else ""


def _by_tag(table: Table, transform: str, tag: str) -> Ruling:
    rule = table[transform].get(tag)
    if rule is None:
        return forbid(f"nobody has ruled on {transform!r} for samples tagged {tag!r}")
    return Ruling(rule.outcome, f"{tag}: {rule.reason}", rule.limits)


def _by_word(table: Table, transform: str, tag: str, word: str) -> Ruling:
    rule = table[transform].get(tag)
    if rule is None:
        return forbid(f"nobody has ruled on {transform!r} for {tag!r}, and it says {word!r}")
    return Ruling(rule.outcome, f"{tag}, since it says {word!r}: {rule.reason}", rule.limits)
