"""Videos: fewer frames, a part of the time, and what is done to pictures done to every frame.

A transform of a picture is drawn once for a video. Its numbers hold for each frame; only noise is
another in each, from `seed` + the frame's number, because a sensor's noise flickers and a pattern
that stands still would be dirt on the lens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.errors import AugmentError
from augment.image import check
from augment.timing import TimeMove, cut
from augment.transform import SEEDS, Params, Range, Transform, between


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The frames of a video: uint8 [T, height, width, 3], RGB, each shown for 1/fps of a second."""

    pixels: NDArray[np.uint8]
    fps: Fraction
    """Frames a second; an integer will do."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or not len(self.pixels):
            raise AugmentError(
                "a video must be uint8 of shape [T, height, width, 3] with at least one frame, "
                f"not {self.pixels.dtype} of shape {list(self.pixels.shape)}"
            )
        check(self.pixels[0])
        if self.fps <= 0:
            raise AugmentError(f"a video must show above 0 frames a second, not {self.fps}")
        object.__setattr__(self, "fps", Fraction(self.fps))

    @property
    def seconds(self) -> Fraction:
        """How long it lasts."""
        return len(self.pixels) / self.fps


def frame_drop(frames: Frames, *, every: int) -> Frames:
    """Keep the first frame of `every` so many, at as much fewer frames a second.

    So the frames that are left keep their times, and the last may be shown for longer.
    """
    return Frames(frames.pixels[::every].copy(), frames.fps / every)


def temporal_crop(frames: Frames, *, start: int, end: int) -> Frames:
    """Cut off permille of the length at the start and at the end, to whole frames."""
    count = len(frames.pixels)
    first, last = _frames(start, count), count - _frames(end, count)
    if first >= last:
        raise AugmentError(
            f"a cut of {start} and {end} permille leaves nothing of a video of {count} frames"
        )
    return Frames(frames.pixels[first:last].copy(), frames.fps)


def cropped_time(seconds: Fraction, *, start: int, end: int) -> TimeMove:
    """Return the move of `temporal_crop`, which is true to half a frame: frames are cut whole."""
    if start + end >= 1000:
        raise AugmentError(f"a cut of {start} and {end} permille leaves nothing of a video")
    return cut(seconds * start / 1000, seconds * (1000 - end) / 1000)


def frame_by_frame(transform: Transform, frames: Frames, params: Mapping[str, Any]) -> Frames:
    """Do to every frame what a transform of a picture does, with the numbers drawn once."""
    changed = [
        transform.apply(frame, **_of_frame(params, number))
        for number, frame in enumerate(frames.pixels)
    ]
    return Frames(np.stack(changed), frames.fps)


def _of_frame(params: Mapping[str, Any], number: int) -> dict[str, Any]:
    if "seed" not in params:
        return dict(params)
    return {**params, "seed": (params["seed"] + number) % (SEEDS[1] + 1)}


def _frames(permille: int, count: int) -> int:
    return (permille * count + 500) // 1000


def draw_frame_drop(rng: np.random.Generator, *, every: Range = (2, 3)) -> Params:
    """Choose of how many frames one is kept."""
    return {"every": between(rng, every)}


def draw_temporal_crop(
    rng: np.random.Generator, *, start: Range = (0, 100), end: Range = (0, 100)
) -> Params:
    """Choose what is cut off at the start and at the end, in permille of the length."""
    return {"start": between(rng, start), "end": between(rng, end)}


TRANSFORMS = (
    Transform(
        name="frame_drop",
        medium="video",
        bounds={"every": (2, 60)},
        draw=draw_frame_drop,
        apply=frame_drop,
    ),
    Transform(
        name="temporal_crop",
        medium="video",
        bounds={"start": (0, 999), "end": (0, 999)},
        draw=draw_temporal_crop,
        apply=temporal_crop,
        retime=cropped_time,
    ),
)
