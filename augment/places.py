"""Boxes and points of an answer, moved with their picture; what is cut away or hidden says so."""

import math
from collections.abc import Sequence
from typing import Any

from augment.errors import AugmentError, CannotRemap
from augment.framing import patch
from augment.history import Applied, move, steps_for
from augment.move import Box, Point, check_box, check_point
from augment.polygon import area, corners, hull
from augment.sight import follow

LEAST_VISIBLE = 0.9
"""Share of a box that must stay in the picture; of a target on a screen, its centre must."""
LEAST_FILLED = 0.7
"""Share of an upright box that must be filled by what was boxed, once that is turned."""
SMALLEST = 1.0
"""Pixels that a moved box must have on each side."""
SLACK = 1.0
"""Pixels that a box may reach over the edge of its picture: corpora round."""
DECIMALS = 2
"""Of a pixel, in a moved coordinate."""


def moved_value(
    kind: str, value: Any, size: tuple[int, int], history: Sequence[Applied], *, is_target: bool
) -> Any:
    """Return a box, boxes or a point in the picture that the history makes of one of this size.

    Args:
        is_target: whether it is clicked on, so that its centre must stay in sight and no more.

    Raises CannotRemap for what is cut away, hidden, or no longer fits an upright box.
    """
    numbers, steps = coordinates(value), steps_for("image", history)
    try:
        if kind == "point" and len(numbers) == 2:
            return _written(_moved_point(check_point(numbers, *size), size, steps))
        if not numbers or len(numbers) % 4 or (kind != "boxes" and len(numbers) != 4):
            raise CannotRemap("unreadable_answer", f"{value!r} is no {kind}")
        given = [numbers[i : i + 4] for i in range(0, len(numbers), 4)]
        boxes = [check_box(box, *size, SLACK) for box in given]
    except CannotRemap:
        raise
    except AugmentError as error:
        raise CannotRemap("outside_picture", str(error)) from None
    moves = [_moved_box(box, size, steps, is_target=is_target) for box in boxes]
    return [_written(box) for box in moves] if kind == "boxes" else _written(moves[0])


def shrinkage(at: Point, size: tuple[int, int], history: Sequence[Applied]) -> float:
    """Return the least length that a step of one pixel at a point has after the history."""
    there = move(*size, steps_for("image", history))
    (x, y), *ends = there.move_points([at, (at[0] + 1, at[1]), (at[0], at[1] + 1)])
    return min(math.dist((x, y), end) for end in ends)


def coordinates(value: Any) -> list[float]:
    """Read the numbers of a place, in lists or lists of lists; none for anything else."""
    if isinstance(value, list | tuple):
        parts = [coordinates(item) for item in value]
        return [number for part in parts for number in part] if all(parts) else []
    if isinstance(value, bool) or not isinstance(value, int | str):
        return []
    try:
        return [float(value)]
    except ValueError:
        return []


def _moved_point(at: Point, size: tuple[int, int], steps: Sequence[Applied]) -> Point:
    """Move a point step by step: what one step cuts off, no later one brings back."""
    (width, height), (x, y) = size, at
    for applied in steps:
        there = move(width, height, [applied])
        ((x, y),) = there.move_points([(x, y)])
        width, height = there.width, there.height
        if not (0 <= x <= width and 0 <= y <= height):
            raise CannotRemap("cut_away", f"{_shown(at)} is no longer in the picture")
        if applied.name == "occlude" and _lies_under((x, y), applied, width, height):
            raise CannotRemap("hidden", f"{_shown(at)} lies under a patch")
    # The far edges are no pixels any more, as graders see it.
    return min(x, width - 0.01), min(y, height - 0.01)


def _lies_under(at: Point, applied: Applied, width: int, height: int) -> bool:
    numbers = {key: int(value) for key, value in applied.params.items()}
    left, top, right, bottom = patch(width, height, **numbers)
    return left <= at[0] <= right and top <= at[1] <= bottom


def _moved_box(
    box: Box, size: tuple[int, int], steps: Sequence[Applied], *, is_target: bool
) -> Box:
    """Move a box and return the upright hull of what is left of it in sight."""
    seen = follow(box, *size, steps)
    if is_target and not seen.centre_is_seen:
        raise CannotRemap("cut_away", f"the centre of {_shown(box)} is no longer in sight")
    if seen.box is None or (not is_target and seen.share < LEAST_VISIBLE):
        raise CannotRemap("cut_away", f"{seen.share:.0%} of {_shown(box)} are still in sight")
    whole = move(*size, steps).move_points(corners(box))
    if area(whole) < LEAST_FILLED * area(corners(hull(whole))):
        raise CannotRemap("box_grows", f"{_shown(box)}, turned, fills too little of an upright box")
    x1, y1, x2, y2 = seen.box
    if x2 - x1 < SMALLEST or y2 - y1 < SMALLEST:
        raise CannotRemap("box_vanishes", f"{_shown(box)} becomes smaller than a pixel")
    return seen.box


def _written(numbers: Sequence[float]) -> list[int | str]:
    """Write coordinates as integers or decimal strings, since an identity holds no floats."""
    rounded = [round(number, DECIMALS) for number in numbers]
    return [
        int(number) if number == int(number) else f"{number:.{DECIMALS}f}".rstrip("0")
        for number in rounded
    ]


def _shown(numbers: Sequence[float]) -> str:
    return f"[{', '.join(f'{number:g}' for number in numbers)}]"
