"""A point: inside the reference box, or near the reference point."""

import math

from pipelines.record.sample import Reference
from pipelines.rewards.coordinates import (
    FARTHEST,
    Box,
    boxes_of,
    reference_numbers,
    stated_coordinates,
)
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, unscored, wrong


@reward("point", version=1)
def point(reference: Reference, completion: str) -> Score:
    """Give full marks to one point in the reference box, or within its tolerance of the point.

    The reference is `[x1, y1, x2, y2]`, or `[x, y]` with a tolerance in pixels. Whoever answers
    with a box has not pointed.
    """
    answer = reference.answer
    gold, reach = reference_numbers(answer.value), float(answer.tolerance or 0)
    is_box = len(gold) == 4 and boxes_of(gold)[0].is_whole
    if not (is_box or (len(gold) == 2 and 0 <= reach <= FARTHEST)):
        return unscored(f"the reference {answer.value!r} is neither a point nor a box")
    given = stated_coordinates(completion)
    if len(given) != 2:
        return wrong(f"expected one point, found {len(given) or 'no'} coordinates")
    x, y = given
    if is_box:
        return compared((x, y), f"a point in {gold}", Box(*gold).holds(x, y))
    away = math.dist(gold, given)
    return compared((x, y), f"a point near {gold}", away <= reach)
