"""Boxes and points in pixels of the original picture, and how they are written.

A box is `[x1, y1, x2, y2]` with edges between pixels: x2 and y2 are exclusive, its width is
x2 - x1. One whose right edge is not right of its left one, or lower not below its upper, is no
box.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.record.canonical import Json
from pipelines.rewards.final_answer import is_denied
from pipelines.rewards.structured import answer_or_fence, parsed_json

FARTHEST = 10.0**6
"""Pixels; no picture is larger."""

_NAME = re.compile(r"[A-Za-z_]+[0-9]+[A-Za-z_0-9]*")
"""`x1`, `bbox_2d`: names with digits that are no coordinates."""
_NUMBER = re.compile(r"(?<![\w.])-?[0-9]{1,9}(?:\.[0-9]{1,9})?(?![\w%]|\.[0-9])")
_NUMBERISH = re.compile(r"[0-9][\w.%]*")
_SPANS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
)


class Box(NamedTuple):
    """A rectangle of pixels."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def is_whole(self) -> bool:
        """Whether it holds anything, and lies where a picture can."""
        return self.x1 < self.x2 and self.y1 < self.y2 and all(abs(c) <= FARTHEST for c in self)

    @property
    def area(self) -> float:
        """Pixels in it."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it; on its right or lower edge, it does not."""
        return self.x1 <= x < self.x2 and self.y1 <= y < self.y2


def overlap(one: Box, other: Box) -> float:
    """Intersection over union; 0 where one of them is no box."""
    if not (one.is_whole and other.is_whole):
        return 0.0
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared)


def lies_within(numbers: Sequence[float], width: float, height: float, slack: float) -> bool:
    """Whether coordinates, x and y by turns, lie in a picture or this little outside."""
    across, down = numbers[0::2], numbers[1::2]
    return all(-slack <= x <= width + slack for x in across) and all(
        -slack <= y <= height + slack for y in down
    )


def stated_coordinates(completion: str) -> list[float]:
    """Read all coordinates of the final answer, in order; none where it is not one list of them."""
    text = answer_or_fence(completion)
    parsed = parsed_json(text)
    if parsed is not None:
        flat = _flat(parsed)
        return [] if flat is None else flat
    if is_denied(text):
        return []
    bare = _NAME.sub(" ", text)
    numbers = _NUMBER.findall(bare)
    # A number in a form that is no coordinate (`1e9`, `50%`) must not go by unseen.
    return [float(n) for n in numbers] if len(numbers) == len(_NUMBERISH.findall(bare)) else []


def boxes_of(coordinates: Sequence[float]) -> list[Box]:
    """Cut coordinates into boxes; none where they do not come out even."""
    if not coordinates or len(coordinates) % 4:
        return []
    return [Box(*coordinates[i : i + 4]) for i in range(0, len(coordinates), 4)]


def reference_numbers(value: Json) -> list[float]:
    """Read the coordinates of a reference, integers or decimal strings, in whatever lists.

    Raises ValueError for anything else.
    """
    flat = _flat(value)
    if flat is None:
        raise ValueError(f"{value!r} are no coordinates"[:200])
    return flat


def _flat(value: object) -> list[float] | None:
    """Flatten lists, and boxes that name their edges, into numbers."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, str)):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return [number] if abs(number) <= FARTHEST else None
    if isinstance(value, Mapping):
        return _named(value)
    return _joined(value) if isinstance(value, Sequence) else None


def _named(value: Mapping[str, object]) -> list[float] | None:
    for names in (*_SPANS, ("x", "y")):
        if set(names) <= value.keys():
            return _joined(value[name] for name in names)
    lists = [item for item in value.values() if isinstance(item, (list, tuple))]
    return _flat(lists[0]) if len(lists) == 1 else None


def _joined(values: Iterable[object]) -> list[float] | None:
    numbers: list[float] = []
    for value in values:
        if (flat := _flat(value)) is None:
            return None
        numbers += flat
    return numbers
