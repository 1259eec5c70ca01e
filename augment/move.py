"""Where the points and boxes of a picture go when the picture is moved.

Coordinates are continuous and in original pixels: x to the right, y down, (0, 0) is the outer
corner of the first pixel and (width, height) the outer corner of the last. So the centre of the
first pixel is (0.5, 0.5), a mirrored x is width - x, and a box that ends with a pixel ends at its
outer corner.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from augment.errors import AugmentError
from augment.polygon import Box, Point, area, clipped, corners, hull

__all__ = ["Box", "Matrix", "Move", "Point", "check_box", "check_point", "stay"]

Row: TypeAlias = tuple[float, float, float]
Matrix: TypeAlias = tuple[Row, Row, Row]
_STRAIGHT: Row = (0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Move:
    """Where every point of a picture goes, and the size of the picture it goes to."""

    matrix: Matrix
    """(x', y') = (a x + b y + c, d x + e y + f) / (g x + h y + i), row by row."""
    width: int
    height: int

    def move_points(self, points: Sequence[Point]) -> list[Point]:
        """Move each (x, y)."""
        return [self._moved(x, y) for x, y in points]

    def move_box(self, box: Box) -> Box:
        """Move the four corners and return their upright hull, which a turn makes larger."""
        return hull(self.move_points(corners(box)))

    def is_inside(self, point: Point) -> bool:
        """Tell whether a point of the original is still in the picture, its edge included."""
        ((x, y),) = self.move_points([point])
        return 0 <= x <= self.width and 0 <= y <= self.height

    def visible_share(self, box: Box) -> float:
        """Return how much of a moved box's area lies in the picture, from 0 to 1.

        A box without area is there or not, as its centre is. Of several moves one after the other
        this sees the last picture only: `augment.history.follow` also knows what was cut before.
        """
        moved = self.move_points(corners(box))
        whole = area(moved)
        if whole <= 0:
            x1, y1, x2, y2 = box
            return float(self.is_inside(((x1 + x2) / 2, (y1 + y2) / 2)))
        return min(1.0, area(clipped(moved, self.canvas)) / whole)

    def visible_box(self, box: Box) -> Box | None:
        """Return the upright hull of what is left of a moved box, or None where nothing is."""
        left = clipped(self.move_points(corners(box)), self.canvas)
        return hull(left) if area(left) > 0 else None

    @property
    def canvas(self) -> Box:
        """The whole picture as a box."""
        return 0.0, 0.0, float(self.width), float(self.height)

    def then(self, after: "Move") -> "Move":
        """Return the one move that does this and afterwards the other."""
        return Move(_product(after.matrix, self.matrix), after.width, after.height)

    def inverse(self, width: int, height: int) -> "Move":
        """Return the way back, to an original of this size."""
        return Move(_inverted(self.matrix), width, height)

    def _moved(self, x: float, y: float) -> Point:
        (a, b, c), (d, e, f), (g, h, i) = self.matrix
        depth = g * x + h * y + i
        if depth <= 0:
            raise AugmentError(f"the point ({x:g}, {y:g}) lies behind the view of the perspective")
        return (a * x + b * y + c) / depth, (d * x + e * y + f) / depth


def affine_move(first: Row, second: Row, width: int, height: int) -> Move:
    """Return x' = a x + b y + c, y' = d x + e y + f, onto a canvas of this size."""
    return Move((first, second, _STRAIGHT), width, height)


def stay(width: int, height: int) -> Move:
    """Return the move of a transform that leaves everything where it is."""
    return affine_move((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), width, height)


def check_box(box: Sequence[float], width: int, height: int, slack: float = 0.0) -> Box:
    """Return a box that has an area and lies in its picture, or say what is wrong with it.

    Args:
        slack: pixels that it may lie outside, which are cut off; corpora round.
    """
    if len(box) != 4 or not all(map(math.isfinite, box)):
        raise AugmentError(f"a box is four finite numbers x1, y1, x2, y2, not {list(box)}")
    x1, y1, x2, y2 = box
    if not (-slack <= x1 and -slack <= y1 and x2 <= width + slack and y2 <= height + slack):
        raise AugmentError(f"the box {list(box)} lies outside its picture of {width}x{height}")
    inside = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        raise AugmentError(f"the box {list(box)} has no area: x2 and y2 must be above x1 and y1")
    return inside


def check_point(point: Sequence[float], width: int, height: int) -> Point:
    """Return a point that lies in its picture, or say what is wrong with it."""
    if len(point) != 2 or not all(map(math.isfinite, point)):
        raise AugmentError(f"a point is two finite numbers x, y, not {list(point)}")
    x, y = point
    if not (0 <= x <= width and 0 <= y <= height):
        raise AugmentError(f"the point {list(point)} lies outside its picture of {width}x{height}")
    return x, y


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = tuple(zip(*right, strict=True))
    rows = [
        tuple(sum(p * q for p, q in zip(row, column, strict=True)) for column in columns)
        for row in left
    ]
    return _rows(rows)


def _inverted(matrix: Matrix) -> Matrix:
    """Invert by cofactors, which keeps the inverse of an integer affine move exact."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    if not determinant:
        raise AugmentError("a move that flattens the picture has no way back")
    return _rows([[value / determinant for value in row] for row in cofactors])


def _rows(rows: Sequence[Sequence[float]]) -> Matrix:
    first, second, third = ((row[0], row[1], row[2]) for row in rows)
    return first, second, third
