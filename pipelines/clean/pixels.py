"""Whether two pictures show the same, down to a printed number.

A perceptual hash does not see that one number in a diagram is another. So near pictures are laid
over each other and compared patch by patch: re-encoding and resizing change every patch a
little, another number changes a few patches much.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.record.bad_media import BadMedia
from pipelines.record.images import decode_image

SIDE = 768
"""Pixels of the longer side at which pictures are compared."""
PATCH = 4
COLOUR_PATCH = 16
"""Colour is compared in larger patches: JPEG keeps it at half the resolution, and smears it."""
SAME = 28.0
"""Levels of 255 that a patch may differ by in copies of one picture. Measured on 52 pictures of
six corpora: at most 26 after JPEG 30, WebP 50, resizing by .5, .8 and 2 or noise of 25 levels;
over 57 for 95 of 100 digits that were changed, 1/60 to 1/18 of the picture high."""

Pixels = NDArray[np.uint8]
Patches = NDArray[np.floating[Any] | np.integer[Any]]


class Looker:
    """Compares stored pictures, each decoded once while it is needed again soon."""

    def __init__(self, read: Callable[[str], bytes], remembered: int = 256) -> None:
        self._read = read
        self.small = lru_cache(maxsize=remembered)(self._small)

    def difference(self, first: str, second: str, version: int = 0) -> float:
        """Give how far two pictures (media ids) differ in the patch where they differ most.

        `version` (`phash.VERSIONS`) says which version of the first is meant. Pictures of another
        shape, or that no longer decode, differ by all.
        """
        try:
            ours, theirs = self.small(first), self.small(second)
        except BadMedia:
            return 255.0
        return difference(turned(ours, version), theirs)

    def _small(self, media_id: str) -> Pixels:
        return _at_most(decode_image(self._read(media_id)), SIDE)


def difference(first: Pixels, second: Pixels) -> float:
    """Give the largest difference of a patch in brightness or colour, in levels of 255."""
    height, width = (min(pair) for pair in zip(first.shape[:2], second.shape[:2], strict=True))
    if any(_misshapen(picture, height, width) for picture in (first, second)):
        return 255.0
    pairs = zip(_patches(first, height, width), _patches(second, height, width), strict=True)
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)


def turned(pixels: Pixels, version: int) -> Pixels:
    """Give one of the eight versions of a picture [H, W, 3], as `phash.VERSIONS` names them."""
    turned = pixels.swapaxes(0, 1) if version >= 4 else pixels
    mirrored = turned[:, ::-1] if version % 2 else turned
    return mirrored[::-1] if version % 4 >= 2 else mirrored


def _misshapen(picture: Pixels, height: int, width: int) -> bool:
    """Say whether a picture does not have the proportions of the other, give or take a pixel."""
    tall, wide = picture.shape[:2]
    return bool(abs(tall * width - wide * height) > 1.5 * max(tall, wide))


def _patches(picture: Pixels, height: int, width: int) -> tuple[Patches, Patches]:
    """Give the brightness of each patch [H, W], and its colour without brightness [H, W, 3]."""
    import cv2

    sized = cv2.resize(
        np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_AREA
    ).astype(np.float32)
    grey = cv2.cvtColor(sized, cv2.COLOR_RGB2GRAY)
    colour = cv2.blur(sized - grey[..., None], (COLOUR_PATCH, COLOUR_PATCH))
    return cv2.blur(grey, (PATCH, PATCH)), colour


def _at_most(pixels: Pixels, side: int) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    share = side / max(height, width)
    if share >= 1:
        return pixels
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
