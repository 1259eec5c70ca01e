"""Pictures: decoded to upright RGB, and only of a format and size that is allowed."""

import io
import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.record.bad_media import BadMedia, said

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 40_000_000
LONGEST_SIDE = 200
"""How many times the shorter side: processors of the Qwen family stop at pictures from there on."""


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """Decode a picture to upright RGB, H x W x 3, of eight bits.

    Turned as its EXIF tag says; palettes, CMYK and grey become RGB; transparency is laid over
    white; deeper pixels are scaled down; of several frames or pages the first counts, and what
    follows the picture in its file is not looked at. Raises BadMedia when it does not decode.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Pillow warns of what it thinks too large; our own limit decides.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                _check_size(*picture.size)
                picture.load()
                ImageOps.exif_transpose(picture, in_place=True)
                return np.asarray(_flatten(picture), dtype=np.uint8)
    except Image.DecompressionBombError as error:
        raise BadMedia("image_too_large", said(error)) from error
    except BadMedia:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:
        raise BadMedia("undecodable_image", said(error)) from error


def _check_size(width: int, height: int) -> None:
    """Hold what the header says against the limits, before anything is decoded."""
    size = f"{width} x {height} pixels"
    if width * height == 0:
        raise BadMedia("empty_image", size)
    if width * height > MAX_PIXELS:
        raise BadMedia("image_too_large", size)
    if max(width, height) >= LONGEST_SIDE * min(width, height):
        raise BadMedia("image_too_thin", size)


def _flatten(picture: "Image.Image") -> "Image.Image":
    """Lay transparency over white, as viewers do; scale 16-bit down instead of clipping it."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        # What the format does not say, the brightest pixel does: files of 16 bits may hold 8.
        shares = picture.mode == "F" and values.max() <= 1
        top = 1.0 if shares else 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")
