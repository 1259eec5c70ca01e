"""LabelMe: one JSON file a picture, with labelled shapes in its pixels.

Of each label on a picture one question is made: where it is, or, where it stands several times,
where all of them are.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipelines.corpora.reading import BadRecord, Fields, media_in, text_of
from pipelines.record.canonical import Json
from pipelines.record.media import Media
from pipelines.record.sample import Answer

MOST_SHAPES = 1000


def shapes_by_label(record: Fields) -> dict[str, list[list[Json]]]:
    """Give the boxes `[x1, y1, x2, y2]` of each label, in the order of the file.

    A polygon counts by the box around it. Raises BadRecord for what is no list of shapes.
    """
    shapes = record.get("shapes")
    if not isinstance(shapes, list) or not 0 < len(shapes) <= MOST_SHAPES:
        raise BadRecord("no_shapes" if not shapes else "bad_shapes", "no list of 1 to 1000 shapes")
    found: dict[str, list[list[Json]]] = {}
    for shape in shapes:
        if not isinstance(shape, dict):
            raise BadRecord("bad_shapes", f"{shape!r}"[:200])
        found.setdefault(text_of(shape, "label").strip(), []).append(_box(shape.get("points")))
    return found


def picture_of(root: Path, path: Path, record: Fields) -> Media:
    """Refer to the picture that a file is about, which lies beside it."""
    # Upstream may have been Windows.
    name = text_of(record, "imagePath").replace("\\", "/")
    beside = PurePosixPath(path.relative_to(root).parent.as_posix()) / name
    return media_in(root, str(beside), "image")


def boxes_answer(boxes: Sequence[Sequence[Json]]) -> Answer:
    """Make the answer: one box, or all of several."""
    if len(boxes) == 1:
        return Answer(kind="box", value=list(boxes[0]))
    return Answer(kind="boxes", value=[list(box) for box in boxes])


def _box(points: object) -> list[Json]:
    try:
        across, down = zip(*[(x, y) for x, y in points], strict=True)  # type: ignore[attr-defined]
        edges = [min(across), min(down), max(across), max(down)]
        return [_exact(edge) for edge in edges]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRecord("bad_shapes", f"points {points!r}"[:200]) from error


def _exact(edge: float) -> Json:
    """Write a coordinate without a float, to a hundredth of a pixel."""
    if isinstance(edge, bool) or not isinstance(edge, int | float):
        raise TypeError("no number")
    rounded = round(edge, 2)
    return int(rounded) if rounded == int(rounded) else str(rounded)
