"""Speed, tempo and pitch. `speed` changes both of the others, each of which leaves the other alone."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip
from augment.errors import AugmentError
from augment.resampling import resampled
from augment.timing import at_speed
from augment.transform import Params, Range, Transform, between

if TYPE_CHECKING:
    from python_stretch import Signalsmith

PERCENT_BOUNDS: Range = (50, 200)
CENTS_BOUNDS: Range = (-1200, 1200)
SLOWEST_RATE = 1000
"""In samples a second; below it there are too few samples in a block to tell pitches apart."""
BLOCK_SECONDS, HOP_SECONDS = 0.128, 0.0425
"""Blocks that overlap three times and are powers of two at 8 and 16 kHz. A quarter less time than
Signalsmith's own `preset`, with artefacts 29 dB below a tone as its cheaper preset has, not 50."""
SEED = 1
"""Of the phases that the stretcher makes up; fixed, so that the same numbers give the same bytes."""


def speed(clip: Clip, *, percent: int) -> Clip:
    """Play at `percent` of the speed, pitch included: the length becomes 100/percent of what it was.

    By resampling from `percent` to 100 (`resampling`), ours because torchaudio's takes seven times
    as long on clips of many lengths. Its own `speed` would cut speed times rate to an integer
    besides, which at 11,025 Hz costs the right length, and seconds.
    """
    if percent == 100 or not len(clip.samples):
        return clip
    return clip.with_samples(resampled(clip.samples, 100, percent))


def speed_by_torchaudio(clip: Clip, *, percent: int) -> Clip:
    """Play as the first version of `speed` did, for the views that it made."""
    if percent == 100 or not len(clip.samples):
        return clip
    import torch
    from torchaudio import functional

    samples = torch.from_numpy(clip.samples.copy())
    played = functional.resample(samples, orig_freq=percent, new_freq=100)
    return Clip(played.numpy(), clip.rate)


def time_stretch(clip: Clip, *, percent: int) -> Clip:
    """Play at `percent` of the tempo at the same pitch; the length becomes what `speed` makes it.

    Through python-stretch, because torchaudio's phase vocoder wants spectrograms and smears
    onsets. A clip shorter than a block of 128 ms has the right length, and little more can be
    promised of it.
    """
    if percent == 100 or not len(clip.samples):
        return clip
    stretcher = _stretcher(clip)
    stretcher.setTimeFactor(percent / 100)
    return clip.with_samples(_exactly(_processed(stretcher, clip), _played(clip, percent)))


def pitch(clip: Clip, *, cents: int) -> Clip:
    """Raise the pitch by hundredths of a semitone; the length stays.

    Through python-stretch, because torchaudio's `PitchShift` takes a second and gigabytes for one
    clip.
    """
    if cents == 0 or not len(clip.samples):
        return clip
    stretcher = _stretcher(clip)
    stretcher.setTransposeFactor(2 ** (cents / 1200))
    return clip.with_samples(_exactly(_processed(stretcher, clip), len(clip.samples)))


def _played(clip: Clip, percent: int) -> int:
    """Return the samples that are left of a clip at a speed, the last one begun included."""
    return -(-len(clip.samples) * 100 // percent)


def _stretcher(clip: Clip) -> "Signalsmith.Stretch":
    if clip.rate < SLOWEST_RATE:
        raise AugmentError(
            f"tempo and pitch change from {SLOWEST_RATE} samples a second on, not at {clip.rate}; "
            "resample the clip first"
        )
    from python_stretch import Signalsmith

    stretcher = Signalsmith.Stretch(SEED)
    stretcher.configure(1, round(clip.rate * BLOCK_SECONDS), round(clip.rate * HOP_SECONDS))
    return stretcher


def _processed(stretcher: "Signalsmith.Stretch", clip: Clip) -> NDArray[np.float32]:
    # At full scale, because the stretcher takes what is very quiet for silence.
    peak = float(np.abs(clip.samples).max()) or 1.0
    channels = stretcher.process((clip.samples / np.float32(peak))[np.newaxis])
    return np.asarray(channels, dtype=np.float32).reshape(-1) * np.float32(peak)


def _exactly(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Cut or pad with silence at the end, by the sample that the stretcher rounds away."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def draw_percent(rng: np.random.Generator, *, percent: Range = (90, 110)) -> Params:
    """Choose a speed in percent of the original; never the original itself."""
    return {"percent": between(rng, percent, but=100)}


def draw_pitch(rng: np.random.Generator, *, cents: Range = (-200, 200)) -> Params:
    """Choose an interval in hundredths of a semitone; never none."""
    return {"cents": between(rng, cents, but=0)}


TRANSFORMS = (
    Transform(
        name="speed",
        medium="audio",
        bounds={"percent": PERCENT_BOUNDS},
        draw=draw_percent,
        apply=speed_by_torchaudio,
        retime=at_speed,
    ),
    Transform(
        name="speed",
        medium="audio",
        version=2,
        bounds={"percent": PERCENT_BOUNDS},
        draw=draw_percent,
        apply=speed,
        retime=at_speed,
    ),
    Transform(
        name="time_stretch",
        medium="audio",
        bounds={"percent": PERCENT_BOUNDS},
        draw=draw_percent,
        apply=time_stretch,
        retime=at_speed,
    ),
    Transform(
        name="pitch",
        medium="audio",
        bounds={"cents": CENTS_BOUNDS},
        draw=draw_pitch,
        apply=pitch,
    ),
)
