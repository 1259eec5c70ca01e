"""Gain that never passes full scale."""

import numpy as np

from augment.clip import Clip
from augment.transform import Params, Range, Transform, between

FULL_SCALE = 1.0


def gain(clip: Clip, *, tenths_db: int) -> Clip:
    """Make the clip louder or softer by tenths of a decibel, but no peak louder than full scale.

    A clip that would pass it gets what brings its peak to full scale, which `given_db` tells and
    which is less than nothing for a clip that was beyond it already. Plain numpy: it is one
    multiplication.
    """
    if not clip.samples.any():
        return clip
    louder = clip.samples.astype(np.float64) * 10 ** (given_db(clip, tenths_db=tenths_db) / 20)
    return clip.with_samples(np.clip(louder, -FULL_SCALE, FULL_SCALE))


def given_db(clip: Clip, *, tenths_db: int) -> float:
    """Return the decibels that `gain` really gives this clip; 0 for silence."""
    peak = float(np.abs(clip.samples).max(initial=0))
    if not peak:
        return 0.0
    return float(min(tenths_db / 10, 20 * np.log10(FULL_SCALE / peak)))


def draw_gain(rng: np.random.Generator, *, tenths_db: Range = (-60, 60)) -> Params:
    """Choose a gain in tenths of a decibel; never none."""
    return {"tenths_db": between(rng, tenths_db, but=0)}


TRANSFORMS = (
    Transform(
        name="gain",
        medium="audio",
        bounds={"tenths_db": (-600, 600)},
        draw=draw_gain,
        apply=gain,
    ),
)
