"""Small pools of candidates, made by hand: the rules of a plan are functions of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.curation.ids import Ids, Rows
from pipelines.curation.kinds import Kind, Pool

Named = tuple[str, Kind]
"""A sample's id, and what is known of it."""


def candidate(number: int, successes: float = 4, **changes: Any) -> Named:
    facts: dict[str, Any] = {
        "task": "t",
        "modality": "image",
        "answer_kind": "number",
        "guess_rate": 0.0,
        "tries": 8,
    }
    return f"{number:032x}", Kind(successes=successes, **(facts | changes))


def pool_of(candidates: Sequence[Named]) -> Pool:
    """Pool candidates as the catalog gives them: by their ids, alike ones under one number."""
    ordered = sorted(candidates, key=lambda named: named[0])
    kinds = list(dict.fromkeys(kind for _, kind in ordered))
    numbers = np.array([kinds.index(kind) for _, kind in ordered], np.int32)
    return Pool(Ids.of(sample_id for sample_id, _ in ordered), numbers, kinds)


def kinds_of(pool: Pool, rows: Rows) -> list[Kind]:
    return [pool.kinds[number] for number in pool.numbers[rows]]
