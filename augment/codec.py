"""What a wire or a recorder leaves of a sound: a low-pass, a telephone line, another rate."""

from math import gcd

import numpy as np
from numpy.typing import NDArray

from augment.bands import above, filtered
from augment.clip import Clip
from augment.errors import AugmentError
from augment.transform import Params, Range, Transform

TELEPHONE_RATE = 8000
TELEPHONE_HZ = (300, 3400)
MU = 255
"""Of the mu-law, which spends 8 bits where the ear is fine: ITU-T G.711."""
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""What recorders use, and so what is drawn."""
RATE_BOUNDS: Range = (1000, 192_000)


def low_pass(clip: Clip, *, hz: int) -> Clip:
    """Stop what lies above a frequency; one above the clip's own changes nothing.

    Through scipy's FFT, see `bands`.
    """
    if hz >= clip.rate / 2 or not clip.samples.any():
        return clip
    return filtered(clip, lambda hertz: 1 - above(hz, hertz))


def telephone(clip: Clip) -> Clip:
    """Send the clip over a telephone line: 300 to 3400 Hz, 8,000 samples a second, 8-bit mu-law.

    It is sent as loud as the line bears and comes back at its own rate, length and loudness. scipy
    resamples and filters; the mu-law is three lines of numpy, because torchaudio's has no zero and
    makes a faint tone of silence.
    """
    peak = float(np.abs(clip.samples).max(initial=0))
    if not peak:
        return clip
    low, high = TELEPHONE_HZ
    sent = resample(clip.with_samples(clip.samples / peak), rate=TELEPHONE_RATE)
    narrow = filtered(sent, lambda hertz: above(low, hertz) * (1 - above(high, hertz)))
    heard = resample(narrow.with_samples(_mu_law(narrow.samples)), rate=clip.rate).samples
    length = len(clip.samples)
    return clip.with_samples(np.pad(heard[:length], (0, max(0, length - len(heard)))) * peak)


def resample(clip: Clip, *, rate: int) -> Clip:
    """Give the clip another rate; it lasts as long, to the sample that was begun.

    Through scipy's polyphase filter, because torchaudio's holds a kernel for each phase: gigabytes
    where two rates share no factor.
    """
    if rate == clip.rate or not len(clip.samples):
        return Clip(clip.samples, rate)
    from scipy import signal

    shared = gcd(rate, clip.rate)
    up, down = rate // shared, clip.rate // shared
    return Clip(signal.resample_poly(clip.samples, up, down).astype(np.float32), rate)


def _mu_law(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Round to the 255 levels of the mu-law; 0 stays 0, and what is beyond 1 becomes 1."""
    loud = np.log1p(MU * np.minimum(np.abs(samples), 1)) / np.log1p(MU)
    level = np.rint(loud * (MU // 2)) / (MU // 2)
    rounded: NDArray[np.float64] = np.sign(samples) * np.expm1(level * np.log1p(MU)) / MU
    return rounded


def draw_low_pass(rng: np.random.Generator, *, hz: Range = (3400, 8000)) -> Params:
    """Choose the frequency above which nothing passes."""
    low, high = hz
    # By ratio, as the ear counts, so that a wide range is not nearly always too high to matter.
    drawn = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
    return {"hz": min(max(drawn, low), high)}


def draw_telephone(rng: np.random.Generator) -> Params:  # noqa: ARG001
    """Choose nothing: there is one telephone."""
    return {}


def draw_resample(rng: np.random.Generator, *, rate: Range = (8000, 48000)) -> Params:
    """Choose one of the rates that recorders use."""
    within = [one for one in RATES if rate[0] <= one <= rate[1]]
    if not within:
        raise AugmentError(f"no recorder's rate lies from {rate[0]} to {rate[1]} samples a second")
    return {"rate": within[int(rng.integers(len(within)))]}


TRANSFORMS = (
    Transform(
        name="low_pass",
        medium="audio",
        bounds={"hz": (50, 100_000)},
        draw=draw_low_pass,
        apply=low_pass,
    ),
    Transform(
        name="telephone",
        medium="audio",
        bounds={},
        draw=draw_telephone,
        apply=telephone,
    ),
    Transform(
        name="resample",
        medium="audio",
        bounds={"rate": RATE_BOUNDS},
        draw=draw_resample,
        apply=resample,
    ),
)
