"""Plane geometry of convex polygons: area, hull, and what is left inside a box."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""x1, y1, x2, y2."""
Point: TypeAlias = tuple[float, float]
Polygon: TypeAlias = list[Point]
"""Corners in order round the outside."""


def corners(box: Box) -> Polygon:
    """Return the four corners of a box, clockwise as seen."""
    x1, y1, x2, y2 = box
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def hull(polygon: Sequence[Point]) -> Box:
    """Return the smallest upright box that holds every corner."""
    xs, ys = zip(*polygon, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def area(polygon: Sequence[Point]) -> float:
    """Return the area inside (the shoelace formula)."""
    following = [*polygon[1:], *polygon[:1]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True))) / 2


def clipped(polygon: Polygon, box: Box) -> Polygon:
    """Return the part of a convex polygon inside a box (Sutherland and Hodgman's four cuts)."""
    x1, y1, x2, y2 = box
    polygon = _kept(polygon, lambda point: point[0] - x1)
    polygon = _kept(polygon, lambda point: point[1] - y1)
    polygon = _kept(polygon, lambda point: x2 - point[0])
    return _kept(polygon, lambda point: y2 - point[1])


def _kept(polygon: Polygon, depth: Callable[[Point], float]) -> Polygon:
    """Keep what is at a depth of at least 0; a side that crosses the edge ends on it."""
    out: Polygon = []
    for here, there in zip(polygon, [*polygon[1:], *polygon[:1]], strict=True):
        d, e = depth(here), depth(there)
        if d >= 0:
            out.append(here)
        if (d < 0) != (e < 0):
            (x, y), (u, v), share = here, there, d / (d - e)
            out.append((x + share * (u - x), y + share * (v - y)))
    return out
