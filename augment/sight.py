"""What is still to be seen of a box after a whole history: some is cut away, some lies under a patch.

One move for the whole history does not know this: what a crop took is gone, though a border that is
added afterwards may put its place back into the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from augment.framing import patch
from augment.history import Applied, move
from augment.move import Box, check_box
from augment.polygon import Polygon, area, clipped, corners, hull


@dataclass(frozen=True, slots=True)
class Seen:
    """A box that was followed through a history."""

    box: Box | None
    """The upright hull of what is left of it in the picture, or None where nothing is."""
    share: float
    """Of its area, what is left in the picture and under no patch."""
    centre: tuple[float, float]
    """Where the middle of the box went."""
    centre_is_seen: bool
    """Whether the middle was never cut away or covered."""


def follow(box: Box, width: int, height: int, history: Sequence[Applied]) -> Seen:
    """Follow a box of a picture of this size through every step.

    Patches that overlap one another count twice, so the share is never too high.
    """
    check_box(box, width, height)
    left: Polygon = corners(box)
    centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    share, covered, is_seen = 1.0, 0.0, True
    for applied in history:
        step = move(width, height, [applied])
        moved = step.move_points(left)
        (centre,) = step.move_points([centre])
        left, whole = clipped(moved, step.canvas), area(moved)
        share *= area(left) / whole if whole else 0.0
        is_seen = is_seen and 0 <= centre[0] <= step.width and 0 <= centre[1] <= step.height
        width, height = step.width, step.height
        if applied.name == "occlude":
            cover = patch(width, height, **{key: int(n) for key, n in applied.params.items()})
            covered += share * area(clipped(left, cover)) / area(left) if area(left) else 0.0
            is_seen = is_seen and not _holds(cover, centre)
    shown = hull(left) if area(left) else None
    return Seen(shown, max(0.0, share - covered), centre, is_seen)


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
