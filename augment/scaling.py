"""Pictures made larger or smaller, with their proportions or without.

The sizes are whole pixels, so the move is by what the picture really became, not by the percent.
"""

import numpy as np

from augment.image import Image
from augment.move import Move, affine_move
from augment.transform import Params, Range, Transform, between
from augment.warping import check_size

PERCENT: Range = (10, 400)


def resize(image: Image, *, percent: int) -> Image:
    """Scale both sides alike."""
    return stretch(image, width=percent, height=percent)


def stretch(image: Image, *, width: int, height: int) -> Image:
    """Scale each side by a percentage of its own.

    Through OpenCV: smaller by the mean of the area, so that nothing flickers, then larger by its
    bit-exact bilinear filter. albumentations uses one filter for both unless told otherwise, which
    drops lines of text when a picture shrinks.
    """
    import cv2

    rows, columns = image.shape[:2]
    move = stretched(columns, rows, width=width, height=height)
    check_size(move.width, move.height)
    smaller = min(move.width, columns), min(move.height, rows)
    shrunk = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
    grown = cv2.resize(shrunk, (move.width, move.height), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.array(grown, dtype=np.uint8).reshape(move.height, move.width, 3)


def resized(width: int, height: int, *, percent: int) -> Move:
    """Return the move of `resize`."""
    return _scaled(width, height, percent, percent)


def stretched(columns: int, rows: int, *, width: int, height: int) -> Move:
    """Return the move of `stretch`."""
    return _scaled(columns, rows, width, height)


def _scaled(width: int, height: int, across: int, down: int) -> Move:
    new_width = max(1, (width * across + 50) // 100)
    new_height = max(1, (height * down + 50) // 100)
    return affine_move(
        (new_width / width, 0.0, 0.0), (0.0, new_height / height, 0.0), new_width, new_height
    )


def draw_resize(rng: np.random.Generator, *, percent: Range = (50, 150)) -> Params:
    """Choose a size in percent of the original; never the original itself."""
    return {"percent": between(rng, percent, but=100)}


def draw_stretch(
    rng: np.random.Generator, *, width: Range = (80, 125), height: Range = (80, 125)
) -> Params:
    """Choose each side in percent of the original."""
    return {"width": between(rng, width), "height": between(rng, height)}


TRANSFORMS = (
    Transform(
        name="resize",
        medium="image",
        bounds={"percent": PERCENT},
        draw=draw_resize,
        apply=resize,
        move=resized,
    ),
    Transform(
        name="stretch",
        medium="image",
        bounds={"width": PERCENT, "height": PERCENT},
        draw=draw_stretch,
        apply=stretch,
        move=stretched,
    ),
)
