"""Media by content: a file is named by the SHA-256 of its original bytes and kept as it came.

Decoding happens when something is looked at, never at rest, and never trusts the file: formats
are an allow-list, sizes are limited, and a medium that does not decode says why.
"""

import functools
import hashlib
import os
import stat
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import numpy as np

from pipelines.record.bad_media import BadMedia
from pipelines.record.clips import decode_audio
from pipelines.record.images import decode_image
from pipelines.record.phash import phashes
from pipelines.record.videos import inspect_video, sample_frames
from pipelines.record.writing import writing

__all__ = [
    "BadMedia",
    "Media",
    "MediaFacts",
    "MediaKind",
    "MediaStore",
    "decode_audio",
    "decode_image",
    "inspect",
    "sample_frames",
]

MediaKind = Literal["image", "audio", "video"]

MAX_BYTES = 256 * 2**20


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
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                # A pipe would keep a reader waiting, and a device may have no end.
                raise BadMedia("not_a_file", path.name)
            if not 0 < found.st_size <= MAX_BYTES:
                problem = "file_too_large" if found.st_size else "empty_file"
                raise BadMedia(problem, path.name)
            digest = _file_hash(os.fspath(path), found.st_size, found.st_mtime_ns)
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
    """SHA-256 of the decoded pixels (upright RGB), samples (mono float at its own rate) or
    sampled frames of a video."""
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    rate: int | None = None
    phashes: tuple[int, ...] | None = None
    """Perceptual hashes of a picture's eight versions (`pipelines.record.phash`)."""
    frames: int | None = None
    """Of a video: frames that could be decoded."""


PARTIAL = ".tmp-"
"""Begins the name of a file that is still being written."""
LONGEST_WRITE = 3600.0
"""Seconds after which nobody is writing a file any more."""
_CURE = "ingest its corpus again, or set its samples aside with `curricle doctor --repair`"


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
        if _holds(path, data):
            return path
        if hashlib.sha256(data).hexdigest() != media.media_id:
            raise BadMedia("changed_file", f"{media.media_id[:12]} changed while it was read")
        partial = f"{self.root}/{PARTIAL}{uuid.uuid4().hex}"
        try:
            _write(partial, data)
            os.replace(partial, path)  # noqa: PTH105
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(partial, data)
            os.replace(partial, path)  # noqa: PTH105
        return path

    def sweep(self) -> int:
        """Remove what killed writers have left; give how many files. A live writer is quicker."""
        left = [
            file
            for file in self.root.glob(f"{PARTIAL}*")
            if file.stat().st_mtime < time.time() - LONGEST_WRITE
        ]
        for file in left:
            file.unlink(missing_ok=True)
        return len(left)

    def read(self, media_id: str) -> bytes:
        """Give the bytes of a medium. Raises BadMedia when they are gone or damaged."""
        try:
            data = self.path(media_id).read_bytes()
        except FileNotFoundError as error:
            raise BadMedia(
                "missing_file", f"media {media_id} is not in {self.root}; {_CURE}"
            ) from error
        if hashlib.sha256(data).hexdigest() != media_id:
            raise BadMedia("damaged_file", f"{self.path(media_id)} no longer has its hash; {_CURE}")
        return data


def _holds(path: Path, data: bytes) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read() == data
    except FileNotFoundError:
        return False


def _write(path: str, data: bytes) -> None:
    with writing(path), open(path, "wb") as file:  # noqa: PTH123
        file.write(data)


@functools.lru_cache(maxsize=50_000)
def _file_hash(path: str, _size: int, _changed: int) -> str:
    """Hash a file once, though many records name it; one that changed since is another entry."""
    with open(path, "rb") as file:  # noqa: PTH123 - a Path costs as much as a small file
        return hashlib.file_digest(file, "sha256").hexdigest()


def inspect(media: Media, data: bytes) -> MediaFacts:
    """Decode a medium whole and report on it. Raises BadMedia when it cannot be used."""
    return _INSPECT[media.kind](media.media_id, data)


def _inspect_image(media_id: str, data: bytes) -> MediaFacts:
    pixels = decode_image(data)
    hasher = hashlib.sha256(repr(pixels.shape).encode())
    hasher.update(np.ascontiguousarray(pixels).data)
    height, width = pixels.shape[:2]
    found = hasher.hexdigest()
    return MediaFacts(media_id, "image", len(data), found, width, height, phashes=phashes(pixels))


def _inspect_audio(media_id: str, data: bytes) -> MediaFacts:
    samples, rate = decode_audio(data)
    hasher = hashlib.sha256(f"{rate}:".encode())
    hasher.update(samples.data)
    seconds = len(samples) / rate
    return MediaFacts(media_id, "audio", len(data), hasher.hexdigest(), seconds=seconds, rate=rate)


def _inspect_video(media_id: str, data: bytes) -> MediaFacts:
    seen = inspect_video(data)
    return MediaFacts(
        *(media_id, "video", len(data), seen.content_hash, seen.width, seen.height),
        seconds=seen.seconds,
        frames=seen.frames,
    )


_INSPECT: Mapping[MediaKind, Callable[[str, bytes], MediaFacts]] = {
    "image": _inspect_image,
    "audio": _inspect_audio,
    "video": _inspect_video,
}
