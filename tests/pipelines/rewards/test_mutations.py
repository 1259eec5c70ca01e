"""Held against answers whose verdict is known: none wrong is paid for, few right ones are missed.

`pytest -s` prints the table that docs/rewards.md shows.
"""

import os
from collections import Counter
from functools import cache

import pytest
from mutations import FAMILIES, Mutation, mutations

from pipelines.rewards import grade_all

MISSED = {"the_sum_again": "So 90 = 87 + 3."}
"""The one way of being right that is known to be missed, with what it looks like."""


def test_no_wrong_answer_is_paid_for_and_few_right_ones_are_missed() -> None:
    made = all_mutations()
    scores = grade_all((one.reference, one.completion) for one in made)
    verdicts = list(zip(made, (score.correct for score in scores), strict=True))
    paid = [one for one, correct in verdicts if not one.right and correct is not False]
    missed = [one for one, correct in verdicts if one.right and correct is not True]
    print(_table(made, missed))
    assert [(one.kind, one.reference.answer.value, one.completion[-90:]) for one in paid] == []
    assert {one.kind for one in missed} <= MISSED.keys()
    if "CURRICLE_TEST_CORPORA" in os.environ:
        assert len(made) >= 1000
        assert len(missed) < 0.01 * sum(one.right for one in made)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_kind_of_mutation_is_made(family: object) -> None:
    assert family.__name__ in {one.kind for one in all_mutations()}  # type: ignore[attr-defined]


@cache
def all_mutations() -> list[Mutation]:
    return list(mutations())


def _table(made: list[Mutation], missed: list[Mutation]) -> str:
    rows = ["", "| mutation | right | missed | wrong |", "|---|---|---|---|"]
    right = Counter(one.kind for one in made if one.right)
    wrong = Counter(one.kind for one in made if not one.right)
    lost = Counter(one.kind for one in missed)
    for family in FAMILIES:
        kind = family.__name__
        rows.append(f"| {kind} | {right[kind]} | {lost[kind]} | {wrong[kind]} |")
    rows.append(f"| all | {right.total()} | {lost.total()} | {wrong.total()} |")
    return "\n".join(rows)
