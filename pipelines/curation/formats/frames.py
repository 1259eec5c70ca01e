"""Boxes and points in the frame that a model counts in, from pixels of the picture.

A curated answer is in pixels of the picture as it is shown. Models count otherwise: Qwen2.5-VL in
pixels of the picture that its processor resized, Qwen3-VL and InternVL from 0 to 1000, others
from 0 to 1.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pipelines.record.canonical import Json
from pipelines.record.sample import Answer, plain_decimal
from pipelines.rewards.coordinates import reference_numbers

Frame = Literal["pixels", "0-1", "0-1000", "resized"]
COORDINATES = frozenset({"box", "boxes", "point"})
"""Kinds of answers that lie in a frame."""
FACTOR = 28
"""Of Qwen2.5-VL: a side is a multiple of its patches of 14 pixels, two by two."""
MIN_PIXELS = 56 * 56
MAX_PIXELS = 16384 * FACTOR * FACTOR
"""As `preprocessor_config.json` of Qwen2.5-VL and `qwen_vl_utils` have it."""
LONGEST = 200
"""A picture whose sides differ by more has no resized form."""

Size = tuple[int, int]
"""Width and height in pixels."""


def smart_resize(width: int, height: int, max_pixels: int = MAX_PIXELS) -> Size:
    """Give the size that Qwen2.5-VL's processor resizes a picture to.

    Both sides are multiples of 28, the area lies between 56 x 56 and `max_pixels`, and the ratio
    stays as near as that allows. Raises ValueError for a ratio above 200.
    """
    if max(width, height) > LONGEST * min(width, height):
        raise ValueError(f"{width}x{height} is longer than {LONGEST} times its width")
    across, down = (round(side / FACTOR) * FACTOR for side in (width, height))
    if across * down > max_pixels:
        shrink = math.sqrt(width * height / max_pixels)
        across, down = (
            max(FACTOR, math.floor(side / shrink / FACTOR) * FACTOR) for side in (width, height)
        )
    elif across * down < MIN_PIXELS:
        grow = math.sqrt(MIN_PIXELS / (width * height))
        across, down = (math.ceil(side * grow / FACTOR) * FACTOR for side in (width, height))
    return across, down


def framed(answer: Answer, frame: Frame, size: Size, max_pixels: int = MAX_PIXELS) -> Answer:
    """Give a box, boxes or a point in another frame; every other answer as it is."""
    if answer.kind not in COORDINATES or frame == "pixels":
        return answer
    across, down = _target(frame, size, max_pixels)
    scale = (across / size[0], down / size[1])
    digits = 5 if frame == "0-1" else 0
    numbers = [n * scale[i % 2] for i, n in enumerate(reference_numbers(answer.value))]
    width = 4 if len(numbers) % 4 == 0 else 2
    groups = [_rounded(numbers[i : i + width], digits) for i in range(0, len(numbers), width)]
    tolerance = answer.tolerance
    if tolerance:
        # A circle of pixels is an oval elsewhere; this one has the same area.
        tolerance = plain_decimal(f"{float(tolerance) * math.sqrt(scale[0] * scale[1]):.5f}")
    value: Json = groups if answer.kind == "boxes" else groups[0]
    return replace(answer, value=value, tolerance=tolerance)


def instruction(frame: Frame, size: Size, max_pixels: int = MAX_PIXELS) -> str:
    """Tell the model which frame to answer in; nothing where the question stands as curated."""
    if frame == "0-1":
        return (
            "Give coordinates as shares of the picture's width and height, from 0 to 1, "
            "not in pixels."
        )
    if frame == "0-1000":
        return (
            "Give coordinates from 0 to 1000 across the picture's width and height, not in pixels."
        )
    if frame == "resized":
        across, down = smart_resize(*size, max_pixels)
        return f"Give coordinates in pixels of the picture resized to {across}x{down}."
    return ""


def unframed(numbers: Sequence[float], frame: Frame, size: Size, max_pixels: int) -> list[str]:
    """Give coordinates, x and y by turns, in pixels of a picture of this size."""
    if frame == "pixels":
        return [plain_decimal(repr(float(n))) for n in numbers]
    across, down = _target(frame, size, max_pixels)
    scale = (size[0] / across, size[1] / down)
    return [plain_decimal(f"{n * scale[i % 2]:.2f}") for i, n in enumerate(numbers)]


def _target(frame: Frame, size: Size, max_pixels: int) -> Size:
    if frame == "resized":
        return smart_resize(*size, max_pixels)
    return (1, 1) if frame == "0-1" else (1000, 1000)


def _rounded(numbers: Sequence[float], digits: int) -> list[Json]:
    """Round to what models write, and keep at least one step between the edges of a box."""
    step = 10**-digits
    rounded = [round(number, digits) for number in numbers]
    if len(rounded) == 4:
        rounded[2] = max(rounded[2], rounded[0] + step)
        rounded[3] = max(rounded[3], rounded[1] + step)
    return [plain_decimal(f"{n:.{digits}f}") if digits else round(n) for n in rounded]
