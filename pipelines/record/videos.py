"""Videos: decoded one frame after another, upright and in RGB, and never beyond the limits.

Frames are counted in the order in which they are shown. A file ends where it breaks: what a
decoder makes up behind a broken packet is no picture that anybody took.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.record.bad_media import BadMedia
from pipelines.record.opening import opened

CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,gif"
"""What FFmpeg may read: none of these refers to other files."""
MAX_FRAMES = 18_000
MAX_FRAME_PIXELS = 10_000_000
MAX_SECONDS = 3600.0
WHOLE = 0.9
"""Share of what a file declares that must decode."""
USUAL_RATE = 25
"""Frames a second of a file that says nothing about it."""
HASHED = 16
"""Frames that the content hash is made of, evenly spaced."""

Frames = NDArray[np.uint8]
"""[T, height, width, 3]"""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What decoding a whole video showed."""

    frames: int
    seconds: float
    width: int
    height: int
    content_hash: str
    """SHA-256 of its size, its number of frames and HASHED of them, evenly spaced."""


def inspect_video(data: bytes) -> VideoFacts:
    """Decode a video whole. Raises BadMedia when it cannot be used, or is not all there."""
    frames, walk, promise = _picked(data, lambda total: spread(range(total), HASHED))
    _check_whole(walk, promise)
    hasher = hashlib.sha256(repr((walk.frames, *frames.shape[1:])).encode())
    hasher.update(frames.data)
    height, width = frames.shape[1:3]
    return VideoFacts(walk.frames, walk.seconds, width, height, hasher.hexdigest())


def sample_frames(
    data: bytes, count: int, among: Callable[[int], Sequence[int]] = range
) -> tuple[Frames, tuple[float, ...]]:
    """Decode `count` frames of a video, evenly spaced, with the second at which each is shown.

    Each is from the middle of one of `count` equal parts; a video with fewer frames is given whole.
    `among` is told how many frames there are and says which of them count. Raises BadMedia.
    """
    frames, walk, _ = _picked(data, lambda total: spread(among(total), count))
    return frames, walk.times


def spread(numbers: Sequence[int], count: int) -> list[int]:
    """Choose `count` of some numbers, each from the middle of one of `count` equal parts."""
    total = len(numbers)
    if total <= count:
        return list(numbers)
    return [numbers[(2 * part + 1) * total // (2 * count)] for part in range(count)]


class _Promise(NamedTuple):
    """What a file says of its frames before any is decoded."""

    packets: int
    """With something to show."""
    frames: int
    """That the header speaks of; 0 where it does not."""
    seconds: float
    """That it lasts; 0 where nothing says so."""


class _Walk(NamedTuple):
    """What was seen on a way through a video."""

    kept: dict[int, NDArray[np.uint8]]
    """The frames that were wanted, by number."""
    times: tuple[float, ...]
    """Of these, in seconds from the first frame."""
    frames: int
    """That decoded."""
    seconds: float
    """From the first frame to the end of the last."""


def _picked(data: bytes, pick: Callable[[int], Sequence[int]]) -> tuple[Frames, _Walk, _Promise]:
    """Decode the frames that `pick` chooses when it is told how many there are.

    The packets say that in nearly every file; where they are wrong, the decoder is asked again.
    """
    promise = _promise(data)
    expected = promise.packets
    while True:
        wanted = pick(expected)
        walk = _walk(data, set(wanted))
        if walk.frames == expected:
            return np.stack([walk.kept[number] for number in wanted]), walk, promise
        expected = walk.frames


def _promise(data: bytes) -> _Promise:
    """Read what a file declares; its packets are counted, which is quick, and not decoded."""
    with _opened(data) as (file, stream):
        sizes = [packet.is_discard for packet in file.demux(stream) if packet.size]
        # Editing leaves frames in the file that are not to be shown.
        declared = max(0, int(stream.frames) - sum(sizes))
        return _Promise(len(sizes) - sum(sizes), declared, _declared_seconds(file, stream))


def _walk(data: bytes, wanted: set[int]) -> _Walk:
    """Decode every frame and keep those that are wanted, by number."""
    kept: dict[int, NDArray[np.uint8]] = {}
    times: list[float] = []
    total, end, forms = 0, 0.0, set()
    with _opened(data) as (file, stream):
        for total, (time, length, frame) in enumerate(_timed(file, stream), start=1):
            end = time + length
            forms.add((frame.width, frame.height, frame.rotation))
            _check_limits(total, time, frame)
            if len(forms) > 1:
                raise BadMedia("undecodable_video", "its frames are not all of one size")
            if total - 1 in wanted:
                kept[total - 1] = _upright(frame)
                times.append(time)
    if not total:
        raise BadMedia("empty_video", "no frame decodes")
    return _Walk(kept, tuple(times), total, end)


def _timed(file: Any, stream: Any) -> Iterator[tuple[float, float, Any]]:
    """Give each frame with the second at which it is shown, from the first, and for how long."""
    usual = 1 / float(stream.average_rate or stream.guessed_rate or USUAL_RATE)
    first: float | None = None
    time = -usual
    for frame in _decoded(file, stream):
        if frame.time is not None:
            first = frame.time if first is None else first
        time = time + usual if frame.time is None or first is None else frame.time - first
        yield time, float(frame.duration * frame.time_base) if frame.duration else usual, frame


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[Any, Any]]:
    """Open a video with its first track of moving pictures, to be decoded by this thread."""
    from av.stream import Disposition

    with opened(data, CONTAINERS, "undecodable_video") as file:
        moving = [s for s in file.streams.video if not s.disposition & Disposition.attached_pic]
        if not moving:
            raise BadMedia("empty_video", "the file has no moving pictures")
        context = moving[0].codec_context
        _check_size(context.width, context.height)
        context.thread_count = 1
        context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
        yield file, moving[0]


def _decoded(file: Any, stream: Any) -> Iterator[Any]:
    """Give the frames that decode, up to the first packet that does not."""
    import av

    try:
        yield from file.decode(stream)
    except av.InvalidDataError:
        return


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_FRAME_PIXELS:
        raise BadMedia("video_too_large", f"{width} x {height} pixels")


def _check_limits(number: int, seconds: float, frame: Any) -> None:
    _check_size(frame.width, frame.height)
    if number > MAX_FRAMES:
        raise BadMedia("video_too_long", f"over {MAX_FRAMES} frames")
    if seconds > MAX_SECONDS:
        raise BadMedia("video_too_long", f"over {MAX_SECONDS:.0f} s")


def _check_whole(walk: _Walk, promise: _Promise) -> None:
    """Hold what decoded against what the header declares: in frames, else in seconds."""
    if walk.frames < WHOLE * promise.frames:
        raise BadMedia("shorter_than_declared", f"{walk.frames} of {promise.frames} frames")
    if not promise.frames and walk.seconds < WHOLE * promise.seconds:
        said = f"{walk.seconds:.2f} of {promise.seconds:.2f} s"
        raise BadMedia("shorter_than_declared", said)


def _declared_seconds(file: Any, stream: Any) -> float:
    """How long the track is by its own account, or the file's where nothing else is in it; or 0."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    if "DURATION" in stream.metadata:
        return _clock(stream.metadata["DURATION"])
    return file.duration / 1e6 if file.duration and len(file.streams) == 1 else 0.0


def _clock(text: str) -> float:
    """Read `00:00:10.333`, as Matroska writes durations; 0 for anything else."""
    try:
        hours, minutes, seconds = map(float, text.split(":"))
    except ValueError:
        return 0.0
    return (hours * 60 + minutes) * 60 + seconds


def _upright(frame: Any) -> NDArray[np.uint8]:
    """Give the pixels of a frame, turned as the file says that the camera was held."""
    pixels = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))
