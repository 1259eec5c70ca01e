"""Media by content: a file is named by the SHA-256 of its original bytes and kept as it came.

Decoding happens when something is looked at, never at rest, and never trusts the file: formats
are an allow-list, sizes are limited, and a picture or clip that does not decode says why.
"""

import hashlib
import io
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from pipelines.record.phash import phashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

MediaKind = Literal["image", "audio", "video"]

MAX_BYTES = 256 * 2**20
MAX_PIXELS = 40_000_000
MAX_SECONDS = 3600.0
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


class BadMedia(ValueError):
    """A medium that cannot be used; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Media:
    """A reference to one picture, clip or video by the hash of its bytes."""

    media_id: str
    kind: MediaKind
    source: Path | bytes | None = field(default=None, repr=False, compare=False, hash=False)
    """Where the bytes are until the store has them."""

    @classmethod
    def of_file(cls, path: Path, kind: MediaKind) -> Self:
        """Refer to a file. Raises BadMedia when it is missing, empty or too large."""
        try:
            size = path.stat().st_size
            if not 0 < size <= MAX_BYTES:
                raise BadMedia("empty_file" if not size else "file_too_large", f"{path.name}")
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BadMedia("missing_file", f"{path.name}: {error.strerror}") from error
        return cls(digest, kind, path)

    @classmethod
    def of_bytes(cls, data: bytes, kind: MediaKind) -> Self:
        """Refer to bytes in memory. Raises BadMedia when there are none, or too many."""
        if not 0 < len(data) <= MAX_BYTES:
            raise BadMedia("empty_file" if not data else "file_too_large", f"{len(data)} bytes")
        return cls(hashlib.sha256(data).hexdigest(), kind, data)

    def read(self) -> bytes:
        """Give the bytes from where they came. Raises BadMedia when they are gone."""
        if isinstance(self.source, bytes):
            return self.source
        if self.source is None:
            raise BadMedia("missing_file", f"{self.media_id} has no source")
        try:
            return self.source.read_bytes()
        except OSError as error:
            raise BadMedia("missing_file", f"{self.source.name}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What decoding a medium showed."""

    media_id: str
    kind: MediaKind
    bytes: int
    content_hash: str
    """SHA-256 of the decoded pixels (upright RGB) or samples (mono float at its own rate)."""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    rate: int | None = None
    phashes: tuple[int, ...] | None = None
    """Perceptual hashes of a picture's eight versions (`pipelines.record.phash`)."""
    frames: int | None = None
    """Of a video: frames that could be decoded."""


class MediaStore:
    """Content-addressed files: `media/ab/abcd…` holds the bytes whose SHA-256 is `abcd…`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, media_id: str) -> Path:
        """Where the bytes of a medium lie."""
        return self.root / media_id[:2] / media_id

    def put(self, media: Media, data: bytes | None = None) -> Path:
        """Keep a medium; one that is already there whole is left alone, a damaged one replaced.

        The file appears under its name only when it is complete, so a killed writer leaves no
        half picture. Raises BadMedia when the bytes changed since they were hashed.
        """
        path = self.path(media.media_id)
        data = media.read() if data is None else data
        if path.is_file() and path.read_bytes() == data:
            return path
        if hashlib.sha256(data).hexdigest() != media.media_id:
            raise BadMedia("changed_file", f"{media.media_id[:12]} changed while it was read")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".tmp-{uuid.uuid4().hex}")
        partial.write_bytes(data)
        partial.replace(path)
        return path

    def read(self, media_id: str) -> bytes:
        """Give the bytes of a medium. Raises BadMedia when they are gone or damaged."""
        try:
            data = self.path(media_id).read_bytes()
        except FileNotFoundError as error:
            raise BadMedia("missing_file", f"media {media_id} is not in {self.root}") from error
        if hashlib.sha256(data).hexdigest() != media_id:
            raise BadMedia("damaged_file", f"{self.path(media_id)} no longer has its hash")
        return data


def inspect(media: Media, data: bytes) -> MediaFacts:
    """Decode a medium whole and report on it. Raises BadMedia when it cannot be used."""
    if media.kind == "image":
        pixels = decode_image(data)
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        height, width = pixels.shape[:2]
        return MediaFacts(
            *(media.media_id, "image", len(data), digest, width, height), phashes=phashes(pixels)
        )
    if media.kind == "audio":
        samples, rate = decode_audio(data)
        digest = hashlib.sha256(f"{rate}:".encode() + samples.tobytes()).hexdigest()
        seconds = len(samples) / rate
        return MediaFacts(media.media_id, "audio", len(data), digest, seconds=seconds, rate=rate)
    raise BadMedia("unsupported_kind", f"{media.kind} cannot be decoded yet")


def decode_image(data: bytes) -> "NDArray[np.uint8]":
    """Decode a picture to upright RGB, H x W x 3, of eight bits.

    Turned as its EXIF tag says; palettes, CMYK and grey become RGB; transparency is laid over
    white; deeper pixels are scaled down; of several frames the first counts. Raises BadMedia when
    it does not decode.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise BadMedia("image_too_large", f"{width}x{height} pixels")
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(_flatten(upright), dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, BadMedia):
            raise
        raise BadMedia("undecodable_image", str(error)[:200]) from error


def _flatten(picture: "Image.Image") -> "Image.Image":
    """Lay transparency over white, as viewers do; scale 16-bit down instead of clipping it."""
    from PIL import Image

    if picture.mode.startswith(("I", "F")):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
        # What the format does not say, the brightest pixel does: files of 16 bits may hold 8.
        shares = picture.mode == "F" and values.max() <= 1
        top = 1.0 if shares else 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in picture.info or picture.mode in ("RGBA", "LA", "PA"):
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")


def decode_audio(data: bytes) -> "tuple[NDArray[np.float32], int]":
    """Decode a clip to mono float samples [T] and its own rate in hertz.

    Raises BadMedia for a clip that does not decode, has no length, or has non-finite samples.
    """
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.frames > MAX_SECONDS * file.samplerate:
                raise BadMedia("audio_too_long", f"{file.frames / file.samplerate:.0f} s")
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise BadMedia("undecodable_audio", str(error)[:200]) from error
    if not len(samples):
        raise BadMedia("empty_audio", "the clip has zero length")
    mono = np.ascontiguousarray(samples.mean(axis=1), dtype=np.float32)
    if not np.isfinite(mono).all():
        raise BadMedia("undecodable_audio", "the clip has non-finite samples")
    return mono, rate


if TYPE_CHECKING:
    from PIL import Image
