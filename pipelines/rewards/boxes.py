"""Several boxes, each of the reference paired with at most one that was given."""

import numpy as np

from pipelines.record.sample import Reference
from pipelines.rewards.coordinates import (
    Box,
    boxes_of,
    overlap,
    reference_numbers,
    stated_coordinates,
)
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, unscored, wrong


@reward("boxes", version=1)
def boxes(reference: Reference, completion: str, *, threshold: float = 0.5) -> Score:
    """Give the overlap of the best pairing, divided by the larger number of boxes.

    So a box too many costs as much as one too few. Correct is as many boxes as the reference
    has, each sharing more than half with its own.
    """
    gold = boxes_of(reference_numbers(reference.answer.value))
    if not gold or not all(one.is_whole for one in gold):
        return unscored(f"the reference {str(reference.answer.value)[:80]!r} holds no boxes")
    given = boxes_of(stated_coordinates(completion))
    if not given:
        return wrong(f"expected {len(gold)} boxes, found none")
    shared = paired(gold, given, threshold)
    hits = sum(one > threshold for one in shared)
    value = sum(shared) / max(len(gold), len(given))
    reason = f"{hits} of {len(gold)} found with {len(given)} boxes, mean overlap {value:.2f}"
    parts = {"precision": hits / len(given), "recall": hits / len(gold)}
    return Score(value, hits == len(gold) == len(given), reason, parts)


def paired(gold: list[Box], given: list[Box], threshold: float) -> list[float]:
    """Overlaps of the pairing with the most pairs above the threshold, then the most overlap."""
    from scipy.optimize import linear_sum_assignment

    shared = np.array([[overlap(one, other) for other in given] for one in gold])
    rows, columns = linear_sum_assignment(shared + len(gold) * (shared > threshold), maximize=True)
    return [float(one) for one in shared[rows, columns]]
