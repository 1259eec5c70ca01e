"""Noise from a library of recordings, mixed in at a ratio to the signal."""

import functools

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip
from augment.codec import resample
from augment.errors import AugmentError
from augment.noise_library import NoiseLibrary, current
from augment.noises import RATIO_BOUNDS, mixed
from augment.transform import Params, Range, Transform, between

SHA256 = "[0-9a-f]{64}"
OFFSETS: Range = (0, 3_600_000)
"""In milliseconds: an hour."""
CLIPS_KEPT = 32
"""Decoded, each at a rate that it was wanted at."""


def clip_noise(clip: Clip, *, snr_db: int, noise: str, offset: int) -> Clip:
    """Mix in a recording, found by its sha256 in the library that was provided.

    The recording is brought to the clip's rate, starts `offset` milliseconds in, and goes round
    from its end to its beginning until the clip is over. Where that stretch of it is silent, it
    starts at its next sound. The ratio, silence and peaks as in `add_noise`.
    """
    if not clip.samples.any():
        return clip
    recorded = _at_rate(current(), noise, clip.rate)
    start = offset * clip.rate // 1000
    return mixed(clip, _looped(recorded, start, len(clip.samples)), snr_db)


@functools.lru_cache(maxsize=CLIPS_KEPT)
def _at_rate(library: NoiseLibrary, sha256: str, rate: int) -> NDArray[np.float64]:
    samples = resample(library.find(sha256), rate=rate).samples.astype(np.float64)
    if not samples.any():
        raise AugmentError(
            f"noise clip {sha256} is silent or empty at {rate} samples a second; "
            "take it out of the noise library"
        )
    samples.setflags(write=False)
    return samples


def _looped(samples: NDArray[np.float64], start: int, count: int) -> NDArray[np.float64]:
    """Take `count` samples from `start` on, round and round, but never silence alone."""
    taken = np.take(samples, np.arange(start, start + count), mode="wrap")
    if taken.any():
        return taken
    sounding = np.flatnonzero(samples)
    after = sounding[np.searchsorted(sounding, start % len(samples)) % len(sounding)]
    return np.take(samples, np.arange(after, after + count), mode="wrap")


def draw_clip_noise(
    rng: np.random.Generator, *, snr_db: Range = (10, 30), offset: Range = (0, 60_000)
) -> Params:
    """Choose a ratio in dB, one of the clips that are provided, and where in it to start."""
    known = sorted(current().licences)
    if not known:
        raise AugmentError(
            "clip_noise has no noise clips to draw from; provide a NoiseLibrary first"
        )
    ratio, chosen = between(rng, snr_db), known[int(rng.integers(len(known)))]
    return {"snr_db": ratio, "noise": chosen, "offset": between(rng, offset)}


TRANSFORMS = (
    Transform(
        name="clip_noise",
        medium="audio",
        bounds={"snr_db": RATIO_BOUNDS, "offset": OFFSETS},
        words={"noise": SHA256},
        draw=draw_clip_noise,
        apply=clip_noise,
    ),
)
