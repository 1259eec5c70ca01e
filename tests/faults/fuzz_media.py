"""Media files broken in ever new ways, and what ingest makes of them.

Everything hangs on the seed: the same run breaks the same files in the same way.
"""

import io
import resource
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from pipelines.clean.examine import Pass, examine_confined, unexaminable
from pipelines.corpora.reading import Pending, Raw
from pipelines.engine import LocalEngine
from pipelines.policies.render import render
from pipelines.policies.templates import TEMPLATES
from pipelines.record.media import Media, MediaKind, MediaStore
from pipelines.record.sample import Answer, Sample, ask
from tests.pipelines.record.films import film, shades, tone, track

BATCH = 16
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
Mutation = Callable[[np.random.Generator, bytearray, bytes], bytes]


class Broken(NamedTuple):
    """A file that was broken."""

    ref: str
    kind: MediaKind
    data: bytes


@dataclass(slots=True)
class Outcome:
    """What became of the files."""

    kept: set[str] = field(default_factory=set)
    rejected: dict[str, str] = field(default_factory=dict)
    """The reason, by reference."""
    peak_bytes: int = 0
    """Of memory that a worker held at any time."""
    unshown: list[str] = field(default_factory=list)
    """Files that were kept and that a policy could not be shown."""

    @property
    def reasons(self) -> Counter[str]:
        return Counter(self.rejected.values())


def fuzz(root: Path, count: int, seed: int) -> Outcome:
    """Break `count` files and have workers examine them; good ones are kept under `root`."""
    walk = Pass(f"fuzz-{seed}", root)
    stream = broken_files(count, seed)
    raws: Iterator[Raw] = (Pending("fuzz", b.ref, _sample, tuple(b)) for b in stream)
    batches = iter(lambda: list(islice(raws, BATCH)), [])
    outcome = Outcome()
    for kept, rejected, unshown, peak in LocalEngine(2).map(
        partial(_examined, walk), batches, _lost
    ):
        outcome.kept.update(kept)
        outcome.rejected.update(rejected)
        outcome.unshown += unshown
        outcome.peak_bytes = max(outcome.peak_bytes, peak)
    return outcome


Seen = tuple[list[str], dict[str, str], list[str], int]


def _examined(walk: Pass, batch: Sequence[Raw]) -> Seen:
    rows = examine_confined(walk, batch)
    kept = rows.sources.column("source_ref").to_pylist()
    rejected = {row["source_ref"]: row["reason"] for row in rows.rejects.to_pylist()}
    unshown = [one.ref for one in batch if isinstance(one, Pending) and one.ref in kept]
    unshown = [ref for ref in unshown if not _can_be_shown(walk, _found(batch, ref))]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return kept, rejected, unshown, peak


def _lost(raw: Raw, how: str) -> Seen:
    rows = unexaminable(raw, how)
    rejected = {row["source_ref"]: row["reason"] for row in rows.rejects.to_pylist()}
    return [], rejected, [], 0


def _found(batch: Sequence[Raw], ref: str) -> Pending:
    return next(one for one in batch if isinstance(one, Pending) and one.ref == ref)


def _can_be_shown(walk: Pass, raw: Pending) -> bool:
    sample = _sample(*raw.args)
    try:
        request = render(sample, TEMPLATES["plain"], MediaStore(walk.media).read)
    except Exception:  # whatever it is, it should not be
        return False
    return bool(request.images)


def _sample(ref: str, kind: MediaKind, data: bytes) -> Sample:
    medium = Media.of_bytes(data, kind)
    return Sample(
        prompt=ask(f"What is {ref}?", medium),
        media=(medium,),
        answer=Answer.number(1),
        task="fuzz",
        tags=("natural",),
        corpus="fuzz",
        source_ref=ref,
    )


def broken_files(count: int, seed: int) -> Iterator[Broken]:
    """Break good files one after another, each in one to three ways."""
    rng = np.random.default_rng(seed)
    files = list(good_files().items())
    for number in range(count):
        (name, kind), data = files[number % len(files)]
        other = files[int(rng.integers(len(files)))][1]
        out, done = bytearray(data), []
        for _ in range(int(rng.integers(1, 4))):
            mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
            out = bytearray(mutation(rng, out, other)) or bytearray(b"\0")
            done.append(mutation.__name__)
        yield Broken(f"{number:05d}-{name}-{'-'.join(done)}", kind, bytes(out))


def flip(rng: np.random.Generator, data: bytearray, _other: bytes) -> bytes:
    """Flip a few bits anywhere."""
    for _ in range(int(rng.integers(1, 9))):
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def cut(rng: np.random.Generator, data: bytearray, _other: bytes) -> bytes:
    """Leave off the end."""
    return bytes(data[: int(rng.integers(1, len(data) + 1))])


def edit(rng: np.random.Generator, data: bytearray, _other: bytes) -> bytes:
    """Write an extreme number where headers lie."""
    width, order = int(rng.choice([1, 2, 4])), str(rng.choice(["<", ">"]))
    at = int(rng.integers(max(1, min(len(data), 400) - width)))
    value = int(rng.choice(EXTREMES)) & (256**width - 1)
    data[at : at + width] = struct.pack(order + {1: "B", 2: "H", 4: "I"}[width], value)
    return bytes(data)


def splice(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    """Go on with the rest of another file."""
    return (
        bytes(data[: int(rng.integers(1, len(data) + 1))]) + other[int(rng.integers(len(other))) :]
    )


def repeat(rng: np.random.Generator, data: bytearray, _other: bytes) -> bytes:
    """Say a part of it again."""
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 400)))
    return bytes(data[:end] + data[start:])


def blank(rng: np.random.Generator, data: bytearray, _other: bytes) -> bytes:
    """Write zeros over a part of it."""
    start = int(rng.integers(len(data)))
    end = min(len(data), start + int(rng.integers(1, 400)))
    data[start:end] = bytes(end - start)
    return bytes(data)


MUTATIONS: tuple[Mutation, ...] = (flip, flip, cut, edit, edit, splice, repeat, blank)


@cache
def good_files() -> dict[tuple[str, MediaKind], bytes]:
    """Small files of every format and kind that is read, and some that only look like it."""
    noise = np.random.default_rng(0).integers(0, 255, (24, 20, 3)).astype(np.uint8)
    films = shades(5, 32, 32)
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    out: dict[tuple[str, MediaKind], bytes] = {
        (f"{kind}-{mode}", "image"): _picture(Image.fromarray(noise).convert(mode), kind)
        for kind, modes in _MODES.items()
        for mode in modes
    }
    out["png-16", "image"] = _picture(Image.fromarray(noise[..., 0].astype(np.uint16) * 257), "PNG")
    out["gif-many", "image"] = _picture(
        Image.fromarray(noise), "GIF", save_all=True, append_images=[Image.fromarray(255 - noise)]
    )
    for kind in ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"):
        out[kind, "audio"] = tone(kind, seconds=0.1)
    out["wav-8", "audio"] = tone(channels=8, seconds=0.05)
    out["wav-float", "audio"] = tone(subtype="FLOAT", seconds=0.05)
    out["m4a", "audio"] = track("mp4", "aac", seconds=0.2)
    for kind, codec in _CODECS:
        out[f"{kind}-{codec}", "video"] = film(films, kind, codec)
    out["m3u8", "video"] = playlist
    out["concat", "video"] = b"ffconcat version 1.0\nfile /etc/passwd\n"
    return out


_MODES = {
    "PNG": ("RGB", "RGBA", "P", "1", "L", "LA"),
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P",),
    "BMP": ("RGB", "1"),
    "TIFF": ("RGB", "CMYK", "F", "I"),
}
_CODECS = (
    *(("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4")),
    *(("mpegts", "libx264"), ("avi", "mjpeg"), ("gif", "gif"), ("mov", "png")),
)


def _picture(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
