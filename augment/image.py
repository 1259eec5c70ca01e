"""What a camera or a file does to a picture without moving anything in it: noise, blur, jpeg.

A picture is uint8, [height, width, 3], RGB. Every function is pure: it returns a new array.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from augment import gaussian
from augment.errors import AugmentError
from augment.transform import SEEDS, Params, Range, Transform, between

Image: TypeAlias = NDArray[np.uint8]

STRONGEST_NOISE = 60
"""In 1/255; above it the noise no longer fits the 16-bit arithmetic below."""
LONGEST_JPEG_SIDE = 65_535


def check(image: Image) -> Image:
    """Return the picture, or say why it is none."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise AugmentError(
            "a picture must be uint8 of shape [height, width, 3] with at least one pixel, "
            f"not {image.dtype} of shape {list(image.shape)}"
        )
    return image


def gaussian_noise(image: Image, *, sigma: int, seed: int) -> Image:
    """Add zero-mean noise of `sigma` in 1/255, clipped to the range of a pixel.

    Ours rather than albumentations', which draws afresh for every picture and takes ten times
    as long; integers throughout, so equal everywhere.
    """
    # One array from end to end: fresh memory would cost more than the arithmetic.
    noise = gaussian.pooled(seed, image.size).reshape(image.shape)
    noise *= np.int16(sigma)
    noise += np.int16(gaussian.UNIT // 2)
    noise >>= 7
    noise += image
    return np.clip(noise, 0, 255, out=noise).astype(np.uint8)


def blur(image: Image, *, tenths: int) -> Image:
    """Blur with a Gaussian of `tenths` of a pixel, through OpenCV's bit-exact 8-bit filter."""
    import cv2

    blurred = cv2.GaussianBlur(image, (0, 0), tenths / 10)
    return np.asarray(blurred, dtype=np.uint8).reshape(image.shape)


def jpeg(image: Image, *, quality: int) -> Image:
    """Encode as JPEG and decode again.

    Through OpenCV, with the channels in its order: albumentations hands RGB to an encoder that
    expects BGR, so that its chroma is not what a real file would hold.
    """
    import cv2

    file = np.frombuffer(jpeg_file(image, quality=quality), dtype=np.uint8)
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def jpeg_file(image: Image, *, quality: int = 95) -> bytes:
    """Encode as JPEG: what `jpeg` decodes, and what a picture is written as."""
    import cv2

    if max(image.shape) > LONGEST_JPEG_SIDE:
        raise AugmentError(
            f"jpeg holds no side above {LONGEST_JPEG_SIDE} pixels: {image.shape[:2]}"
        )
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    return bytes(encoded)


def draw_gaussian_noise(rng: np.random.Generator, *, sigma: Range = (4, 25)) -> Params:
    """Choose a noise level in 1/255, and the seed that brings the noise back."""
    return {"sigma": between(rng, sigma), "seed": between(rng, SEEDS)}


def draw_blur(rng: np.random.Generator, *, tenths: Range = (3, 10)) -> Params:
    """Choose the width of the blur in tenths of a pixel."""
    return {"tenths": between(rng, tenths)}


def draw_jpeg(rng: np.random.Generator, *, quality: Range = (50, 90)) -> Params:
    """Choose a quality as JPEG counts it, up to 100."""
    return {"quality": between(rng, quality)}


TRANSFORMS = (
    Transform(
        name="gaussian_noise",
        medium="image",
        bounds={"sigma": (0, STRONGEST_NOISE), "seed": SEEDS},
        draw=draw_gaussian_noise,
        apply=gaussian_noise,
    ),
    Transform(
        name="blur",
        medium="image",
        bounds={"tenths": (1, 100)},
        draw=draw_blur,
        apply=blur,
    ),
    Transform(
        name="jpeg",
        medium="image",
        bounds={"quality": (1, 100)},
        draw=draw_jpeg,
        apply=jpeg,
    ),
)
