"""Pictures that are not plain RGB are made so when they are decoded, and what cannot be is named."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.record.media import BadMedia, decode_image

RED = (200, 30, 40)
ROOT = Path(os.environ.get("CURRICLE_TEST_CORPORA", ""))


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def half_clear(mode: str) -> Image.Image:
    """Left half red or grey, right half wholly transparent."""
    picture = Image.new("RGBA", (8, 4), (*RED, 255))
    picture.paste((0, 0, 0, 0), (4, 0, 8, 4))
    return picture.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(mode: str) -> None:
    out = decode_image(saved(half_clear(mode)))
    assert out.shape == (4, 8, 3)
    assert (out[:, 4:] == 255).all()
    assert out[0, 0].tolist() == (list(RED) if mode == "RGBA" else [82] * 3)


def test_a_palette_with_a_transparent_colour_is_laid_over_white() -> None:
    picture = Image.new("P", (8, 4), 0)
    picture.putpalette([*RED, 0, 0, 0])
    picture.paste(1, (4, 0, 8, 4))
    out = decode_image(saved(picture, transparency=1))
    assert (out[:, 4:] == 255).all()
    assert out[0, 0].tolist() == list(RED)
    assert (decode_image(saved(picture))[:, 4:] == 0).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind: str) -> None:
    ink = Image.new("RGB", (16, 16), RED).convert("CMYK")
    out = decode_image(saved(ink, kind))
    assert out.shape == (16, 16, 3)
    assert np.abs(out.astype(int) - RED).max() <= 4


@pytest.mark.parametrize(("deep", "shown"), [(65535, 255), (32768, 127), (0, 0)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_cut(deep: int, shown: int, kind: str) -> None:
    picture = Image.fromarray(np.full((5, 6), deep, dtype=np.uint16))
    assert decode_image(saved(picture, kind)).tolist() == [[[shown] * 3] * 6] * 5


def test_eight_bits_in_a_file_of_sixteen_stay_as_they_are() -> None:
    picture = Image.fromarray(np.full((5, 6), 200, dtype=np.uint16))
    assert (decode_image(saved(picture, "TIFF")) == 200).all()


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_shares_of_one_and_of_more_are_scaled(top: float) -> None:
    values = np.array([[0, 0.5 * top, top]], dtype=np.float32)
    out = decode_image(saved(Image.fromarray(values), "TIFF"))
    assert out[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize(
    ("tag", "turned"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: np.rot90(a, 2)),
        (4, lambda a: a[::-1]),
        (6, lambda a: np.rot90(a, -1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_a_picture_is_turned_upright(tag: int, turned: Callable[[np.ndarray], np.ndarray]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = tag
    out = decode_image(saved(Image.fromarray(pixels), exif=exif))
    assert np.array_equal(out, turned(pixels))


@pytest.mark.parametrize("mode", ["1", "L"])
def test_black_and_white_becomes_rgb(mode: str) -> None:
    assert (decode_image(saved(Image.new(mode, (3, 2), 255))) == 255).all()


@pytest.mark.corpora
@pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs real corpora")
def test_every_odd_file_becomes_a_picture_or_says_why() -> None:
    folder = ROOT / "media-edge-cases" / "scikit-image" / "src" / "_skimage2" / "data"
    refused = {}
    for path in sorted(folder.iterdir()):
        try:
            out = decode_image(path.read_bytes())
        except BadMedia as error:
            refused[path.name] = error.reason
        else:
            assert out.dtype == np.uint8
            assert out.shape[2] == 3
            assert out.min() < out.max(), path.name
    assert refused == dict.fromkeys(("multipage_rgb.tif", "truncated.jpg"), "undecodable_image")
