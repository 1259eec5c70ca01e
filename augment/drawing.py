"""Drawing one copy's history: the recipe says what is worth doing, the table what a sample bears.

A draw obeys both, and what this very question and its answer can bear (`augment.remap`) too.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np

from augment.history import Applied
from augment.labels import TABLE, Ruling, Table, forbid, narrowed, verdict
from augment.recipe import Recipe, Step
from augment.transforms import find

Bearable: TypeAlias = Callable[[str, Ruling], Ruling]
"""Narrows the ruling on a transform, by name, to what one sample can bear (`augment.remap`)."""


def generator(recipe: Recipe, sample_id: str, copy: int = 0, seed: int = 0) -> np.random.Generator:
    """Return a copy's own generator, so that its draw hangs on no other sample and no order."""
    key = f"{recipe.recipe_id}\n{sample_id}\n{copy}\n{seed}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:16], "big"))


def rulings(
    recipe: Recipe,
    tags: Iterable[str],
    question: str,
    answer: str = "",
    *,
    moves: bool = False,
    bearable: Bearable | None = None,
    table: Table = TABLE,
) -> dict[str, Ruling]:
    """Rule on each transform of the recipe, in its order, with the limits that are left.

    Args:
        moves: whether the caller moves answers (`remap.moved`); without it `remap` is forbidden.
        bearable: narrows each ruling to what this very sample can bear.
    """
    given = list(tags)
    out = {}
    for step in recipe.steps:
        ruling = verdict(given, step.transform, question, answer, table=table)
        if ruling.outcome == "remap" and not moves:
            ruling = forbid(f"the answer would have to move too ({ruling.reason})")
        if bearable is not None and ruling.allowed:
            ruling = bearable(step.transform, ruling)
        out[step.transform] = narrowed(ruling, step.limits) if ruling.allowed else ruling
    return out


def draw(
    recipe: Recipe,
    rng: np.random.Generator,
    tags: Iterable[str],
    question: str,
    answer: str = "",
    *,
    moves: bool = False,
    bearable: Bearable | None = None,
    table: Table = TABLE,
) -> list[Applied]:
    """Draw one copy's history: at least one transform if any is allowed, else none at all."""
    ruled = rulings(recipe, tags, question, answer, moves=moves, bearable=bearable, table=table)
    return drawn(recipe, rng, ruled)


def drawn(recipe: Recipe, rng: np.random.Generator, ruled: Mapping[str, Ruling]) -> list[Applied]:
    """Draw one copy's history from rulings that are known already."""
    allowed = [step for step in recipe.steps if ruled[step.transform].allowed]
    return [_applied(step, ruled[step.transform], rng) for step in _chosen(recipe, allowed, rng)]


def _chosen(recipe: Recipe, allowed: list[Step], rng: np.random.Generator) -> list[Step]:
    """Toss each step's coin; then drop at random down to the most, or take one if none fell."""
    if not allowed:
        return []
    taken = [i for i, step in enumerate(allowed) if rng.random() < step.probability]
    if not taken:
        taken = [int(rng.integers(len(allowed)))]
    kept = rng.permutation(taken)[: recipe.at_most]
    return [allowed[i] for i in sorted(kept.tolist())]


def _applied(step: Step, ruling: Ruling, rng: np.random.Generator) -> Applied:
    transform = find(step.transform)
    drawn = transform.draw(rng, **ruling.limits)
    return Applied(transform.name, drawn, transform.version)
