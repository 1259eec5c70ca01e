"""One box: how much of it and of the reference is shared."""

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


@reward("box", version=1)
def box(reference: Reference, completion: str, *, threshold: float = 0.5) -> Score:
    """Give the intersection over union; correct is a box with more than half of it shared.

    Several boxes are no answer, and neither is one without area.
    """
    gold = boxes_of(reference_numbers(reference.answer.value))
    if len(gold) != 1 or not gold[0].is_whole:
        return unscored(f"the reference {reference.answer.value!r} is no box")
    given = boxes_of(stated_coordinates(completion))
    if len(given) != 1:
        return wrong(f"expected {shown(gold[0])}, found {len(given) or 'no'} boxes")
    if not given[0].is_whole:
        return wrong(f"expected {shown(gold[0])}, got {shown(given[0])}, which has no area")
    shared = overlap(gold[0], given[0])
    reason = f"expected {shown(gold[0])}, got {shown(given[0])}: overlap {shared:.2f}"
    return Score(shared, shared > threshold, reason, {"iou": shared})


def shown(box: Box) -> str:
    """Write a box for people."""
    return f"[{', '.join(f'{edge:g}' for edge in box)}]"
