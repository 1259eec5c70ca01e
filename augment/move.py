"""Where the points and boxes of a picture go when the picture is moved.

Coordinates are continuous and in original pixels: x to the right, y down, (0, 0) is the outer
corner of the first pixel and (width, height) the outer corner of the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""x1, y1, x2, y2."""
Point: TypeAlias = tuple[float, float]
Row: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Move:
    """Where every point of a picture goes, and the size of the picture it goes to."""

    matrix: tuple[Row, Row]
    """x' = a x + b y + c in the first row, y' = d x + e y + f in the second."""
    width: int
    height: int

    def move_points(self, points: Sequence[Point]) -> list[Point]:
        """Move each (x, y)."""
        (a, b, c), (d, e, f) = self.matrix
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in points]

    def move_box(self, box: Box) -> Box:
        """Move the four corners and return their upright hull, which a turn makes larger."""
        x1, y1, x2, y2 = box
        xs, ys = zip(*self.move_points([(x1, y1), (x2, y1), (x2, y2), (x1, y2)]), strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def then(self, after: "Move") -> "Move":
        """Return the one move that does this and afterwards the other."""
        (a, b, c), (d, e, f) = self.matrix
        rows = tuple((p * a + q * d, p * b + q * e, p * c + q * f + r) for p, q, r in after.matrix)
        return Move((rows[0], rows[1]), after.width, after.height)


def stay(width: int, height: int) -> Move:
    """Return the move of a transform that leaves everything where it is."""
    return Move(((1, 0, 0), (0, 1, 0)), width, height)
