"""Boxes and points of a mapped record, brought from its frame to pixels of its picture."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.corpora.mapped.fields import filled
from pipelines.corpora.mapped.mapping import AnswerMap
from pipelines.corpora.reading import BadRecord, Fields
from pipelines.record.canonical import Json
from pipelines.record.images import FORMATS
from pipelines.record.media import BadMedia, Media

TURNED = (5, 6, 7, 8)
"""EXIF orientations whose width and height are those of the picture on its side."""

_NAMES = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
)
_SIZED = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"))


def in_pixels(value: Any, answer: AnswerMap, record: Fields, media: Sequence[Media]) -> Json:
    """Give boxes `[x1, y1, x2, y2]` or a point in pixels of the first picture.

    Raises BadRecord for what is no box or point.
    """
    if isinstance(value, str):
        value = _parsed(value)
    wide, high = _scale(answer, record, media)
    if answer.kind == "boxes":
        given = value if isinstance(value, list) and value and not _is_flat(value) else [value]
        return [_box(one, answer.corners, wide, high) for one in given]
    if answer.kind == "box" and isinstance(value, list) and len(value) == 1:
        value = value[0]
    if answer.kind == "point" and (point := _point(value)) is not None:
        return [_exact(point[0] * wide), _exact(point[1] * high)]
    return _box(value, answer.corners, wide, high)


def _box(value: Any, corners: str, wide: float, high: float) -> list[Json]:
    if isinstance(value, Mapping):
        value, corners = _by_name(value, corners)
    numbers = _numbers(value)
    if len(numbers) != 4:
        raise BadRecord("bad_answer", f"{value!r} is no box"[:200])
    a, b, c, d = numbers
    if corners == "xywh":
        c, d = a + c, b + d
    elif corners == "centre":
        a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return [_exact(a * wide), _exact(b * high), _exact(c * wide), _exact(d * high)]


def _by_name(value: Mapping[str, Any], corners: str) -> tuple[list[Any], str]:
    for names, form in (*((n, "xyxy") for n in _NAMES), *((n, "xywh") for n in _SIZED)):
        if set(names) <= value.keys():
            return [value[name] for name in names], form
    lists = [item for item in value.values() if isinstance(item, list)]
    return (lists[0] if len(lists) == 1 else []), corners


def _point(value: Any) -> list[float] | None:
    if isinstance(value, Mapping):
        value = [value["x"], value["y"]] if {"x", "y"} == value.keys() & {"x", "y"} else None
        return None if value is None else _numbers(value)
    numbers = _numbers(value)
    return numbers if len(numbers) == 2 else None


def _numbers(value: Any) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) > 4:
        raise BadRecord("bad_answer", f"{value!r} are no coordinates"[:200])
    try:
        return [float(number) for number in value]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadRecord("bad_answer", f"{value!r} are no coordinates"[:200]) from error


def _is_flat(value: list[Any]) -> bool:
    return not isinstance(value[0], list | tuple | Mapping)


def _exact(number: float) -> Json:
    """Write a coordinate to a hundredth of a pixel, without a float."""
    if not abs(number) <= 10**6:
        raise BadRecord("bad_answer", f"coordinate {number}")
    rounded = round(number, 2)
    return int(rounded) if rounded == int(rounded) else str(rounded)


def _scale(answer: AnswerMap, record: Fields, media: Sequence[Media]) -> tuple[float, float]:
    """Say how many pixels of the picture one unit of the frame is, across and down."""
    if answer.frame == "pixels":
        return 1.0, 1.0
    width, height = _size(media)
    if answer.frame in ("0-1", "0-1000"):
        top = float(answer.frame.removeprefix("0-"))
        return width / top, height / top
    across, _, down = answer.frame.partition("x")
    try:
        framed = float(filled(across, record)), float(filled(down, record))
        return width / framed[0], height / framed[1]
    except (ValueError, ZeroDivisionError) as error:
        raise BadRecord("bad_frame", f"{answer.frame!r}: {error}"[:200]) from error


def _size(media: Sequence[Media]) -> tuple[int, int]:
    """Read the upright size of the first picture from its header, without decoding it."""
    from PIL import Image

    pictures = [medium for medium in media if medium.kind == "image"]
    if not pictures:
        raise BadRecord("bad_frame", "there is no picture that its shares are of")
    try:
        with Image.open(io.BytesIO(pictures[0].read()), formats=FORMATS) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112) in TURNED
    except Exception as error:  # decoders meet hostile files in ways that they do not document
        raise BadMedia("undecodable_image", f"{type(error).__name__}: {error}"[:200]) from error
    return (height, width) if turned else (width, height)


def _parsed(text: str) -> Any:
    """Read `[1, 2, 3, 4]`, `(1, 2)` or `1 2 3 4`."""
    try:
        return json.loads(text.strip().replace("(", "[").replace(")", "]"))
    except (ValueError, RecursionError):
        return text.replace(",", " ").strip("[]() ").split()
