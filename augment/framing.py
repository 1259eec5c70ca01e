"""Less of a picture, more around it, or a patch over it: every pixel that is left stays as it was."""

import numpy as np

from augment.errors import AugmentError
from augment.image import Image
from augment.move import Box, Move, affine_move
from augment.transform import Params, Range, Transform, between
from augment.warping import check_size, edge_colour

GREY = 128
SIDES = ("left", "top", "right", "bottom")
PLACE = ("x", "y", "width", "height")


def crop(image: Image, *, left: int, top: int, right: int, bottom: int) -> Image:
    """Cut off permille of the width or height at each side: a slice, as albumentations does it."""
    rows, columns = image.shape[:2]
    move = cropped(columns, rows, left=left, top=top, right=right, bottom=bottom)
    x, y = _pixels(left, columns), _pixels(top, rows)
    return image[y : y + move.height, x : x + move.width].copy()


def cropped(width: int, height: int, *, left: int, top: int, right: int, bottom: int) -> Move:
    """Return the move of `crop`. Raises AugmentError when nothing would be left."""
    x, y = _pixels(left, width), _pixels(top, height)
    new_width = width - x - _pixels(right, width)
    new_height = height - y - _pixels(bottom, height)
    if new_width < 1 or new_height < 1:
        raise AugmentError(
            f"a crop of {left}, {top}, {right} and {bottom} permille leaves nothing "
            f"of a picture of {width}x{height} pixels"
        )
    return affine_move((1.0, 0.0, -float(x)), (0.0, 1.0, -float(y)), new_width, new_height)


def pad(image: Image, *, left: int, top: int, right: int, bottom: int) -> Image:
    """Add permille of the width or height at each side, in the colour of the picture's edge.

    Through OpenCV, as albumentations does, but with a colour that hides no edge and adds no object.
    """
    import cv2

    rows, columns = image.shape[:2]
    move = padded(columns, rows, left=left, top=top, right=right, bottom=bottom)
    check_size(move.width, move.height)
    framed = cv2.copyMakeBorder(
        image,
        _pixels(top, rows),
        _pixels(bottom, rows),
        _pixels(left, columns),
        _pixels(right, columns),
        cv2.BORDER_CONSTANT,
        value=edge_colour(image),
    )
    return np.asarray(framed, dtype=np.uint8)


def padded(width: int, height: int, *, left: int, top: int, right: int, bottom: int) -> Move:
    """Return the move of `pad`."""
    x, y = _pixels(left, width), _pixels(top, height)
    new_width = x + width + _pixels(right, width)
    new_height = y + height + _pixels(bottom, height)
    return affine_move((1.0, 0.0, float(x)), (0.0, 1.0, float(y)), new_width, new_height)


def occlude(image: Image, *, x: int, y: int, width: int, height: int) -> Image:
    """Lay a plain grey patch over a part: permille of the picture, from its upper left corner.

    albumentations' dropout draws its holes itself, so their places would not be on record.
    """
    left, top, right, bottom = patch(
        image.shape[1], image.shape[0], x=x, y=y, width=width, height=height
    )
    out = image.copy()
    out[int(top) : int(bottom), int(left) : int(right)] = GREY
    return out


def patch(columns: int, rows: int, *, x: int, y: int, width: int, height: int) -> Box:
    """Return what `occlude` covers: whole pixels, at least one."""
    left, top = min(_pixels(x, columns), columns - 1), min(_pixels(y, rows), rows - 1)
    right = min(columns, left + max(1, _pixels(width, columns)))
    bottom = min(rows, top + max(1, _pixels(height, rows)))
    return float(left), float(top), float(right), float(bottom)


def _pixels(permille: int, side: int) -> int:
    return (permille * side + 500) // 1000


def draw_sides(rng: np.random.Generator, **limits: Range) -> Params:
    """Choose permille for each side."""
    return {key: between(rng, limits.get(key, (0, 100))) for key in SIDES}


def draw_occlude(
    rng: np.random.Generator,
    *,
    x: Range = (0, 900),
    y: Range = (0, 900),
    width: Range = (50, 200),
    height: Range = (50, 200),
) -> Params:
    """Choose where the patch lies and how large it is."""
    limits = {"x": x, "y": y, "width": width, "height": height}
    return {key: between(rng, limit) for key, limit in limits.items()}


TRANSFORMS = (
    Transform(
        name="crop",
        medium="image",
        bounds=dict.fromkeys(SIDES, (0, 999)),
        draw=draw_sides,
        apply=crop,
        move=cropped,
    ),
    Transform(
        name="pad",
        medium="image",
        bounds=dict.fromkeys(SIDES, (0, 1000)),
        draw=draw_sides,
        apply=pad,
        move=padded,
    ),
    Transform(
        name="occlude",
        medium="image",
        bounds=dict.fromkeys(PLACE, (0, 1000)),
        draw=draw_occlude,
        apply=occlude,
    ),
)
