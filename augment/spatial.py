"""Turning a picture, and the same move for the points and boxes of an answer (`augment.move`)."""

import math
import os

import numpy as np
from numpy.typing import NDArray

from augment.image import Image
from augment.move import Move
from augment.transform import Params, Range, Transform, between


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
    return Move(((cos, sin, c), (-sin, cos, f)), new_width, new_height)


def rotate(image: Image, *, decidegrees: int) -> Image:
    """Turn counter-clockwise and fill the new corners with the colour of the picture's edge.

    Through albumentations' affine warp (OpenCV's, bilinear). One plain colour rather than
    mirrored or smeared pixels: a mirrored object would be counted twice.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import cv2
    from albumentations.augmentations.geometric import functional

    height, width = image.shape[:2]
    move = rotation(width, height, decidegrees=decidegrees)
    turned = functional.warp_affine(
        image,
        matrix=_between_pixel_centres(move),
        interpolation=cv2.INTER_LINEAR,
        fill=edge_colour(image),
        border_mode=cv2.BORDER_CONSTANT,
        output_shape=(move.height, move.width),
    )
    return np.array(turned, dtype=np.uint8)


def edge_colour(image: Image) -> tuple[int, int, int]:
    """Return the middle value of each channel along the outermost pixels."""
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    red, green, blue = np.sort(edge, axis=0)[len(edge) // 2].tolist()
    return red, green, blue


def _between_pixel_centres(move: Move) -> NDArray[np.float64]:
    """Return the move as the warp counts: it puts (0, 0) at the centre of the first pixel."""
    matrix = np.array([*move.matrix, (0, 0, 1)], dtype=np.float64)
    matrix[:2, 2] += 0.5 * (matrix[:2, 0] + matrix[:2, 1]) - 0.5
    return matrix


def draw_rotate(rng: np.random.Generator, *, decidegrees: Range = (-150, 150)) -> Params:
    """Choose an angle in tenths of a degree, counter-clockwise; never none at all."""
    return {"decidegrees": between(rng, decidegrees, but=0)}


TRANSFORMS = (
    Transform(
        name="rotate",
        medium="image",
        bounds={"decidegrees": (-1800, 1800)},
        draw=draw_rotate,
        apply=rotate,
        move=rotation,
    ),
)
