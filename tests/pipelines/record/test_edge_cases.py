"""What becomes of every file of the corpus of odd media, and of odd pictures made here."""

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.record.images import MAX_PIXELS
from pipelines.record.media import BadMedia, Media, MediaFacts, MediaKind, decode_image, inspect

ROOT = Path(os.environ.get("CURRICLE_TEST_CORPORA", "")) / "media-edge-cases"

PICTURES: dict[str, tuple[int, int] | str] = {
    "bw_text.png": (516, 333),
    "checker_bilevel.png": (10, 10),
    "chessboard_GRAY_U16.tif": (200, 200),
    "coins.png": (384, 303),
    "green_palette.png": (320, 240),
    "horse.png": (400, 328),
    "multipage_rgb.tif": "undecodable_image",
    "no_time_for_that_tiny.gif": (14, 25),
    "palette_color.png": (10, 10),
    "text.png": (448, 172),
    "truncated.jpg": "undecodable_image",
}
VIDEOS: dict[str, tuple[int, int, int] | str] = {
    "corrupted.mp4": "shorter_than_declared",
    "flipping_a_pancake.mkv": (426, 240, 310),
    "unordered.mov": (50, 50, 4),
    "video_0.mov": (568, 320, 3),
    "video_90.mov": (320, 568, 3),
}


def looked_at(data: bytes, kind: MediaKind) -> MediaFacts | str:
    try:
        return inspect(Media.of_bytes(data, kind), data)
    except BadMedia as error:
        return error.reason


@pytest.mark.corpora
@pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs real corpora")
def test_every_odd_picture_and_video_has_its_verdict() -> None:
    pictures = _verdicts(ROOT / "scikit-image" / "src" / "_skimage2" / "data", "image")
    assert pictures == PICTURES
    videos = _verdicts(ROOT / "decord" / "examples", "video")
    videos |= _verdicts(ROOT / "decord" / "tests" / "test_data", "video")
    assert videos == VIDEOS


def _verdicts(folder: Path, kind: MediaKind) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        seen = looked_at(path.read_bytes(), kind)
        size = seen if isinstance(seen, str) else (seen.width, seen.height, seen.frames)
        found[path.name] = tuple(filter(None, size)) if isinstance(size, tuple) else size
    return found


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A picture of a few bytes that says it is this large, and is where it is black."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(1000, 1 + width // 8)))
    parts = (header, b"IDAT" + rows, b"IEND")
    chunks = (struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (10_000, MAX_PIXELS // 10_000 + 1, "image_too_large"),
        (20_000, 20_000, "image_too_large"),
        (2**31 - 1, 2**31 - 1, "image_too_large"),
        (0, 5, "undecodable_image"),
        (5, 0, "undecodable_image"),
        (0, 0, "undecodable_image"),
        (200, 1, "image_too_thin"),
        (1, 4000, "image_too_thin"),
    ],
)
def test_a_size_that_no_policy_takes_is_refused_before_it_is_decoded(
    width: int, height: int, reason: str
) -> None:
    assert looked_at(png_of_size(width, height), "image") == reason


def test_one_pixel_is_a_picture() -> None:
    facts = looked_at(saved(Image.new("RGB", (1, 1), (200, 30, 40))), "image")
    assert isinstance(facts, MediaFacts)
    assert (facts.width, facts.height) == (1, 1)
    assert facts.phashes is not None


def test_of_several_frames_or_pages_the_first_counts() -> None:
    first, other = Image.new("RGB", (6, 4), (200, 0, 0)), Image.new("RGB", (6, 4), (0, 0, 200))
    for kind in ("GIF", "TIFF", "WEBP", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(first, kind, save_all=True, append_images=[other], **options)
        assert np.array_equal(decode_image(data), np.asarray(first)), kind


def test_inverted_ink_of_an_adobe_jpeg_is_turned_back() -> None:
    ink = Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK")
    data = saved(ink, "JPEG")
    assert b"Adobe" in data
    assert np.abs(decode_image(data).astype(int) - (200, 30, 40)).max() <= 4


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "I;16", "I", "F", "CMYK"])
def test_a_picture_of_any_mode_becomes_rgb(mode: str) -> None:
    white = Image.new("L", (6, 4), 255).convert(mode)
    kind = "TIFF" if mode in ("F", "I", "CMYK") else "PNG"
    assert (decode_image(saved(white, kind)) == 255).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_picture_that_was_cut_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    data = saved(Image.fromarray(noise), kind)
    assert looked_at(data[: len(data) // 2], "image") == "undecodable_image"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_what_follows_a_picture_is_kept_and_not_looked_at(kind: str) -> None:
    data = saved(Image.new("RGB", (6, 4), (200, 30, 40)), kind)
    both = data + b"PK\3\4 an archive <script>alert(1)</script>"
    assert np.array_equal(decode_image(both), decode_image(data))


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PCX", "TGA", "DDS", "JPEG2000", "PDF"])
def test_a_format_that_is_not_on_the_list_is_refused(kind: str) -> None:
    data = saved(Image.new("RGB", (32, 32), "red"), kind)
    assert looked_at(data, "image") == "undecodable_image"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/'\npop graphic-context\n",
    ],
)
def test_a_picture_that_is_a_programme_is_refused(data: bytes) -> None:
    assert looked_at(data, "image") == "undecodable_image"


def test_a_reason_is_the_same_each_time() -> None:
    details = set()
    for _ in range(3):
        with pytest.raises(BadMedia) as error:
            decode_image(b"no picture" * 9)
        details.add(error.value.detail)
    assert len(details) == 1
