"""Noise at a ratio to the signal: white and pink, drawn from a seed.

The ratio is taken over all samples of a clip, because a clip has no padding. `add_noise_padded` is
for a batch, whose rows do.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from augment import gaussian
from augment.bands import quick_length
from augment.clip import Clip, rms
from augment.errors import AugmentError
from augment.transform import SEEDS, Params, Range, Transform, between

RATIO_BOUNDS: Range = (-20, 100)
"""Of signal over noise, in dB."""
LOWEST_HEARD_HZ = 20.0
"""Below it pink noise stays flat: its power would go where nobody hears it."""
SHORTEST_SPECTRUM = 64


def add_noise(clip: Clip, *, snr_db: int, seed: int) -> Clip:
    """Add white noise so that signal over noise is `snr_db`, measured over the whole clip.

    An empty or silent clip comes back as it was: against silence no ratio can be kept.
    Peaks may pass 1, since clipping them would change the ratio. Plain numpy, in half the time of
    torchaudio's `add_noise`; the noise is ours, so that a seed means the same in every version.
    """
    return mixed(clip, _white(seed, len(clip.samples)), snr_db)


def add_noise_by_torchaudio(clip: Clip, *, snr_db: int, seed: int) -> Clip:
    """Add white noise as the first version of `add_noise` did, for the views that it made.

    A sample here and there is rounded otherwise.
    """
    if not clip.samples.any():
        return clip
    import torch
    from torchaudio import functional

    signal = torch.from_numpy(clip.samples.astype(np.float64))
    noise = torch.from_numpy(_white(seed, len(clip.samples)))
    noisy = functional.add_noise(signal, noise, torch.tensor(float(snr_db), dtype=torch.float64))
    return Clip(noisy.numpy().astype(np.float32), clip.rate)


def pink_noise(clip: Clip, *, snr_db: int, seed: int) -> Clip:
    """Add noise of equal power in every octave above 20 Hz, at `snr_db` over the whole clip.

    Shaped by scipy's FFT at a length that it is quick at; equal bytes on one machine. Silence and
    peaks as in `add_noise`.
    """
    return mixed(clip, pink(seed, len(clip.samples), clip.rate), snr_db)


def mixed(clip: Clip, noise: NDArray[np.float64], snr_db: int) -> Clip:
    """Add noise of the clip's own length, scaled to the ratio, in doubles throughout."""
    if not clip.samples.any():
        return clip
    scale = rms(clip.samples) / rms(noise) * 10 ** (-snr_db / 20)
    return clip.with_samples(noise * scale + clip.samples)


def _white(seed: int, count: int) -> NDArray[np.float64]:
    # Half a step up, so that not even the noise of a single sample is nothing.
    return np.add(gaussian.pooled(seed, count), 0.5, dtype=np.float64)


def pink(seed: int, count: int, rate: int) -> NDArray[np.float64]:
    """Return `count` samples of noise whose power falls as 1/f from 20 Hz on."""
    from scipy import fft

    length = quick_length(max(count, SHORTEST_SPECTRUM))
    spectrum = fft.rfft(_white(seed, length))
    frequency = np.maximum(fft.rfftfreq(length, 1 / rate), LOWEST_HEARD_HZ)
    shaped: NDArray[np.float64] = fft.irfft(spectrum / np.sqrt(frequency), n=length)[:count]
    return shaped


def add_noise_padded(
    samples: NDArray[np.float32],
    lengths: Sequence[int],
    *,
    snr_db: Sequence[int],
    seeds: Sequence[int],
) -> NDArray[np.float32]:
    """Add white noise to each row of a padded batch [N, T], over its unpadded length only.

    Padding counts for nothing and stays as it is, so that a row is what its clip alone would be.
    """
    if not len(samples) == len(lengths) == len(snr_db) == len(seeds):
        raise AugmentError("a batch takes one length, one ratio and one seed for each of its rows")
    out = samples.copy()
    for row, length, ratio, seed in zip(out, lengths, snr_db, seeds, strict=True):
        if not 0 <= length <= len(row):
            raise AugmentError(f"a row of {len(row)} samples has no length of {length}")
        # The rate plays no part in white noise.
        row[:length] = add_noise(Clip(row[:length].copy(), 1), snr_db=ratio, seed=seed).samples
    return out


def draw_noise(rng: np.random.Generator, *, snr_db: Range = (10, 30)) -> Params:
    """Choose a ratio of signal to noise in dB, and the seed that brings the noise back."""
    return {"snr_db": between(rng, snr_db), "seed": between(rng, SEEDS)}


TRANSFORMS = (
    Transform(
        name="add_noise",
        medium="audio",
        bounds={"snr_db": RATIO_BOUNDS, "seed": SEEDS},
        draw=draw_noise,
        apply=add_noise_by_torchaudio,
    ),
    Transform(
        name="add_noise",
        medium="audio",
        version=2,
        bounds={"snr_db": RATIO_BOUNDS, "seed": SEEDS},
        draw=draw_noise,
        apply=add_noise,
    ),
    Transform(
        name="pink_noise",
        medium="audio",
        bounds={"snr_db": RATIO_BOUNDS, "seed": SEEDS},
        draw=draw_noise,
        apply=pink_noise,
    ),
)
