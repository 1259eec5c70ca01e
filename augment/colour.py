"""Light and colour of a picture, pixel by pixel: nothing moves, and equal pixels stay equal.

Every function is a table or a matrix of integers, so its pixels are the same on every processor.
"""

import math

import numpy as np
from numpy.typing import NDArray

from augment.flipping import draw_nothing
from augment.image import Image
from augment.transform import Params, Range, Transform, between

MIDDLE = 128
"""The grey that more or less contrast leaves as it is."""
UNIT = 1024
"""One, in OpenCV's integer matrix."""
LUMA = (0.213, 0.715, 0.072)
"""Share of red, green and blue in how light a colour is (Rec. 709)."""
QUARTER = ((-0.213, -0.715, 0.928), (0.143, 0.140, -0.283), (-0.787, 0.715, 0.072))
"""Turns colours by 90 degrees in the plane of equal light (SVG 1.1, `hueRotate`)."""


def brightness_contrast(image: Image, *, brightness: int, contrast: int) -> Image:
    """Scale the light, then the distance from middle grey; 100 percent is as it is.

    Through albumentations' table lookup (albucore's, by stringzilla), seven times as quick as
    OpenCV's; its own brightness measures the picture first, so equal numbers would mean other
    light in another picture.
    """
    from albucore import sz_lut  # type: ignore[import-untyped]

    lit: Image = sz_lut(image.copy(), light_table(brightness, contrast), inplace=True)
    return lit


def light_table(brightness: int, contrast: int) -> NDArray[np.uint8]:
    """Return what becomes of each of the 256 values, rounded half up."""
    values = np.arange(256, dtype=np.int64) * brightness
    values = (values - 100 * MIDDLE) * contrast + 10_000 * MIDDLE
    return np.clip((values + 5_000) // 10_000, 0, 255).astype(np.uint8)


def hue_saturation(image: Image, *, hue: int, saturation: int) -> Image:
    """Turn the colours by `hue` degrees about grey, and scale their distance from it by percent.

    One integer matrix through OpenCV (the turn of CSS's `hue-rotate`), which keeps greys grey and
    the light as it is. albumentations goes to HSV and back: six times as long, in steps of two
    degrees, and with other pixels on a processor with other vectors.
    """
    import cv2

    turned = cv2.transform(image, (colour_matrix(hue, saturation) / UNIT).astype(np.float32))
    return np.asarray(turned, dtype=np.uint8).reshape(image.shape)


def colour_matrix(hue: int, saturation: int) -> NDArray[np.int64]:
    """Return the 3x3 matrix in steps of 1/UNIT; each row adds up to UNIT, which keeps grey grey."""
    cos, sin = math.cos(math.radians(hue)), math.sin(math.radians(hue))
    light = np.array([LUMA] * 3)
    exact: NDArray[np.float64] = light + saturation / 100 * (
        cos * (np.eye(3) - light) + sin * np.array(QUARTER)
    )
    matrix: NDArray[np.int64] = np.rint(exact * UNIT).astype(np.int64)
    matrix[np.diag_indices(3)] += UNIT - matrix.sum(axis=1)
    return matrix


def grayscale(image: Image) -> Image:
    """Keep only how light each pixel is (Rec. 601), through OpenCV, as albumentations does."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8).reshape(image.shape)


def invert(image: Image) -> Image:
    """Turn light into dark, through numpy, as albumentations does."""
    return ~image


def draw_brightness_contrast(
    rng: np.random.Generator, *, brightness: Range = (80, 120), contrast: Range = (80, 120)
) -> Params:
    """Choose light and contrast in percent of what they are."""
    return {"brightness": between(rng, brightness), "contrast": between(rng, contrast)}


def draw_hue_saturation(
    rng: np.random.Generator, *, hue: Range = (-20, 20), saturation: Range = (60, 140)
) -> Params:
    """Choose a turn of the colours in degrees, and their strength in percent of what it is."""
    return {"hue": between(rng, hue), "saturation": between(rng, saturation)}


TRANSFORMS = (
    Transform(
        name="brightness_contrast",
        medium="image",
        bounds={"brightness": (0, 400), "contrast": (0, 400)},
        draw=draw_brightness_contrast,
        apply=brightness_contrast,
    ),
    Transform(
        name="hue_saturation",
        medium="image",
        bounds={"hue": (-180, 180), "saturation": (0, 400)},
        draw=draw_hue_saturation,
        apply=hue_saturation,
    ),
    Transform(
        name="grayscale",
        medium="image",
        bounds={},
        draw=draw_nothing,
        apply=grayscale,
    ),
    Transform(
        name="invert",
        medium="image",
        bounds={},
        draw=draw_nothing,
        apply=invert,
    ),
)
