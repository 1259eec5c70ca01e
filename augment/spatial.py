"""Pictures that are tilted, sheared or seen aslant, and the same move for the places of an answer.

All three are `augment.warping`, with the move that `augment.move` gives to boxes and points.
"""

import math

import numpy as np

from augment.image import Image
from augment.move import Matrix, Move, affine_move
from augment.transform import Params, Range, Transform, between
from augment.warping import warped

AWAY: Range = (-1000, 1000)
DRAWN_IN: Range = (0, 300)
"""In permille of a side; up to a third, the four corners always span a picture."""


def rotation(width: int, height: int, *, decidegrees: int) -> Move:
    """Return the turn about the centre, counter-clockwise as seen, onto a canvas that holds it all.

    The canvas grows instead of cutting, so that nothing that was asked about can be lost.
    """
    angle = math.radians(decidegrees / 10)
    cos, sin = math.cos(angle), math.sin(angle)
    # Less a hair, so that rounding in the sum never adds a row or a column.
    new_width = math.ceil(width * abs(cos) + height * abs(sin) - 1e-6)
    new_height = math.ceil(width * abs(sin) + height * abs(cos) - 1e-6)
    # y points down, so a counter-clockwise turn has its minus sign in the second row.
    c = new_width / 2 - cos * width / 2 - sin * height / 2
    f = new_height / 2 + sin * width / 2 - cos * height / 2
    return affine_move((cos, sin, c), (-sin, cos, f), new_width, new_height)


def rotate(image: Image, *, decidegrees: int) -> Image:
    """Turn counter-clockwise about the centre, on a canvas that holds it all.

    Ours (`augment.warping`), because albumentations' warp gives other pixels on other processors.
    """
    return warped(image, rotation(image.shape[1], image.shape[0], decidegrees=decidegrees))


def affinity(
    width: int, height: int, *, decidegrees: int, percent: int, shear: int, x: int, y: int
) -> Move:
    """Return a scaling, a shear along x, a turn and a shift about the centre, on the same canvas."""
    angle, scale = math.radians(decidegrees / 10), percent / 100
    slope = math.tan(math.radians(shear / 10))
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    # The turn after the shear, x' = x + slope y.
    a, b = cos, cos * slope + sin
    d, e = -sin, cos - sin * slope
    c = width / 2 - a * width / 2 - b * height / 2 + width * x / 1000
    f = height / 2 - d * width / 2 - e * height / 2 + height * y / 1000
    return affine_move((a, b, c), (d, e, f), width, height)


def affine(image: Image, *, decidegrees: int, percent: int, shear: int, x: int, y: int) -> Image:
    """Turn, scale, shear (`decidegrees` both) and shift (permille of a side), as a camera does.

    The canvas stays, as in albumentations' and torchvision's affine, so what leaves it is cut.
    Ours (`augment.warping`), because albumentations' warp gives other pixels on other processors.
    """
    height, width = image.shape[:2]
    move = affinity(width, height, decidegrees=decidegrees, percent=percent, shear=shear, x=x, y=y)
    return warped(image, move)


def view(
    width: int,
    height: int,
    *,
    x1: int,
    y1: int,
    x2: int,
    y2: int,
    x3: int,
    y3: int,
    x4: int,
    y4: int,
) -> Move:
    """Return the perspective that draws each corner in, clockwise from the upper left one."""
    w, h = width / 1000, height / 1000
    quad = (
        (x1 * w, y1 * h),
        (width - x2 * w, y2 * h),
        (width - x3 * w, height - y3 * h),
        (x4 * w, height - y4 * h),
    )
    return Move(_onto(quad, width, height), width, height)


def perspective(image: Image, **drawn_in: int) -> Image:
    """Look at the picture aslant: each corner is drawn in by permille of the sides.

    Drawn in and never out, so that nothing is cut; albumentations draws the part that it shows.
    Ours (`augment.warping`), for the same pixels on every processor, in twice OpenCV's time.
    """
    return warped(image, view(image.shape[1], image.shape[0], **drawn_in))


def _onto(quad: tuple[tuple[float, float], ...], width: int, height: int) -> Matrix:
    """Return the map of the picture onto a quadrilateral (Heckbert 1989, section 2.2.3)."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = quad
    dx, dy = x1 - x2 + x3 - x4, y1 - y2 + y3 - y4
    across, down = (x2 - x3, y2 - y3), (x4 - x3, y4 - y3)
    whole = across[0] * down[1] - down[0] * across[1]
    g = (dx * down[1] - down[0] * dy) / whole
    h = (across[0] * dy - dx * across[1]) / whole
    return (
        ((x2 - x1 + g * x2) / width, (x4 - x1 + h * x4) / height, x1),
        ((y2 - y1 + g * y2) / width, (y4 - y1 + h * y4) / height, y1),
        (g / width, h / height, 1.0),
    )


def draw_rotate(rng: np.random.Generator, *, decidegrees: Range = (-150, 150)) -> Params:
    """Choose an angle in tenths of a degree, counter-clockwise; never none at all."""
    return {"decidegrees": between(rng, decidegrees, but=0)}


def draw_affine(
    rng: np.random.Generator,
    *,
    decidegrees: Range = (-100, 100),
    percent: Range = (90, 110),
    shear: Range = (-50, 50),
    x: Range = (-30, 30),
    y: Range = (-30, 30),
) -> Params:
    """Choose a turn, a scale, a shear and a shift."""
    limits = {"decidegrees": decidegrees, "percent": percent, "shear": shear, "x": x, "y": y}
    return {key: between(rng, limit) for key, limit in limits.items()}


def draw_perspective(rng: np.random.Generator, **limits: Range) -> Params:
    """Choose how far each corner is drawn in."""
    return {key: between(rng, limits.get(key, (0, 50))) for key in _CORNERS}


_CORNERS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")

TRANSFORMS = (
    Transform(
        name="rotate",
        medium="image",
        version=2,
        bounds={"decidegrees": (-1800, 1800)},
        draw=draw_rotate,
        apply=rotate,
        move=rotation,
    ),
    Transform(
        name="affine",
        medium="image",
        bounds={
            "decidegrees": (-1800, 1800),
            "percent": (25, 400),
            "shear": (-450, 450),
            "x": AWAY,
            "y": AWAY,
        },
        draw=draw_affine,
        apply=affine,
        move=affinity,
    ),
    Transform(
        name="perspective",
        medium="image",
        bounds=dict.fromkeys(_CORNERS, DRAWN_IN),
        draw=draw_perspective,
        apply=perspective,
        move=view,
    ),
)
