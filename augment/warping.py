"""Pixels that follow a move: bilinear, in integers, so that they are the same on every processor.

OpenCV's own warps (which albumentations calls) give other pixels on a processor with other vectors,
since version 5 does them in floats. Its `remap` in fixed point does not, and is as quick: so we work
out where each pixel comes from, to 1/32 of a pixel, and leave the mixing to it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augment.errors import AugmentError
from augment.image import Image
from augment.move import Matrix, Move, affine_move

BAND = 1 << 15
"""Pixels at a time, so that the maps stay in the processor's cache and in memory that is at hand."""
LONGEST_SIDE = 32_766
"""What the 16-bit coordinates of `remap` can hold."""
MOST_PIXELS = 200_000_000
Map: TypeAlias = NDArray[np.float32]
Maps: TypeAlias = tuple[Map, Map]
"""The column and the row of the original that each pixel of a band shows."""


def warped(image: Image, move: Move) -> Image:
    """Move the pixels; what the picture does not fill takes the colour of its edge.

    One plain colour rather than mirrored or smeared pixels: a mirrored object would be counted
    twice.
    """
    import cv2

    check_size(move.width, move.height, LONGEST_SIDE)
    check_size(image.shape[1], image.shape[0], LONGEST_SIDE)
    sources = _sources(move, image.shape[1], image.shape[0])
    fill = edge_colour(image)
    out = np.empty((move.height, move.width, 3), dtype=np.uint8)
    rows = max(1, BAND // move.width)
    for top in range(0, move.height, rows):
        band = out[top : top + rows]
        where = cv2.convertMaps(*sources(top, top + len(band)), cv2.CV_16SC2)
        cv2.remap(
            image,
            *where,
            cv2.INTER_LINEAR,
            dst=band,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=fill,
        )
    return out


def edge_colour(image: Image) -> tuple[int, int, int]:
    """Return the middle value of each channel along the outermost pixels."""
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    red, green, blue = np.sort(edge, axis=0)[len(edge) // 2].tolist()
    return red, green, blue


def check_size(width: int, height: int, longest: int = MOST_PIXELS) -> None:
    """Refuse a picture that would be too large to make."""
    if width * height > MOST_PIXELS or max(width, height) > longest:
        raise AugmentError(
            f"a picture of {width}x{height} pixels is too large to be made or moved: "
            f"at most {MOST_PIXELS:,} pixels"
            + (f", {longest:,} along a side" if longest < MOST_PIXELS else "")
        )


def _between_pixel_centres(move: Move, width: int, height: int) -> Matrix:
    """Return the way back as the warp counts: (0, 0) is the centre of the first pixel."""
    centre = affine_move((1.0, 0.0, 0.5), (0.0, 1.0, 0.5), move.width, move.height)
    corner = affine_move((1.0, 0.0, -0.5), (0.0, 1.0, -0.5), width, height)
    return centre.then(move.inverse(width, height)).then(corner).matrix


def _sources(move: Move, width: int, height: int) -> Callable[[int, int], Maps]:
    """Return what gives the maps of the rows from one to another."""
    back = _between_pixel_centres(move, width, height)
    x, y = np.arange(move.width), np.arange(move.height)[:, None]
    is_affine = back[2][:2] == (0, 0)
    return _affine_sources(back, x, y) if is_affine else _projective_sources(back, x, y)


def _affine_sources(
    back: Matrix, x: NDArray[np.int64], y: NDArray[np.int64]
) -> Callable[[int, int], Maps]:
    (a, b, c), (d, e, f), (_, _, scale) = back
    along_x, along_y = _fine(a / scale * x), _fine(d / scale * x)
    down_x, down_y = _fine(b / scale * y + c / scale), _fine(e / scale * y + f / scale)
    return lambda top, end: (
        np.add(along_x, down_x[top:end]),
        np.add(along_y, down_y[top:end]),
    )


def _projective_sources(
    back: Matrix, x: NDArray[np.int64], y: NDArray[np.int64]
) -> Callable[[int, int], Maps]:
    (a, b, c), (d, e, f), (g, h, i) = back

    def between(top: int, end: int) -> Maps:
        rows = y[top:end]
        depth = g * x + (h * rows + i)
        # Where it is 0 the line of sight meets nothing; any number far outside says so.
        depth[depth == 0] = 1e-9
        return _far((a * x + (b * rows + c)) / depth), _far((d * x + (e * rows + f)) / depth)

    return between


def _fine(values: NDArray[np.floating[Any]]) -> Map:
    """Round to 1/1024 of a pixel, so that the last bit of a sine never shows."""
    return np.asarray(np.rint(values * 1024) / 1024, dtype=np.float32)


def _far(values: NDArray[np.floating[Any]]) -> Map:
    """Round likewise, and keep what lies far outside within 16 bits."""
    return _fine(np.clip(values, -LONGEST_SIDE, LONGEST_SIDE))
