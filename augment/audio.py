"""Noise and speed for mono sound. torchaudio does the work, on one clip at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augment import gaussian
from augment.errors import AugmentError
from augment.transform import SEEDS, Params, Range, Transform, between


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One channel of sound: float32 [T], nominally within -1 and 1, at `rate` samples a second."""

    samples: NDArray[np.float32]
    rate: int

    def __post_init__(self) -> None:
        samples = self.samples
        if samples.dtype != np.float32 or samples.ndim != 1:
            raise AugmentError(
                f"a clip must be float32 of shape [T], not {samples.dtype} "
                f"of shape {list(samples.shape)}"
            )
        if not np.isfinite(samples).all():
            raise AugmentError("a clip must hold finite numbers only")
        if self.rate <= 0:
            raise AugmentError(f"a clip's rate must be above 0 samples a second, not {self.rate}")


def add_noise(clip: Clip, *, snr_db: int, seed: int) -> Clip:
    """Add white noise so that signal over noise is `snr_db`, measured over the whole clip.

    An empty or silent clip comes back as it was: against silence no ratio can be kept.
    Peaks may pass 1, since clipping them would change the ratio.
    """
    if not clip.samples.any():
        return clip
    import torch
    from torchaudio import functional

    # In doubles, because the squares of a very quiet clip vanish in single precision.
    signal = torch.from_numpy(clip.samples.astype(np.float64))
    # Half a step up, so that not even the noise of a single sample is nothing.
    noise = torch.from_numpy(gaussian.pooled(seed, len(clip.samples)) + 0.5)
    noisy = functional.add_noise(signal, noise, torch.tensor(float(snr_db), dtype=torch.float64))
    return Clip(noisy.numpy().astype(np.float32), clip.rate)


def speed(clip: Clip, *, percent: int) -> Clip:
    """Play at `percent` of the speed, pitch included: the length becomes 100/percent of what it was.

    By resampling from `percent` to 100, which is what torchaudio's own `speed` does after cutting
    speed times rate to an integer; at 11,025 Hz that cut costs the right length, and seconds.
    """
    if percent == 100 or not len(clip.samples):
        return clip
    import torch
    from torchaudio import functional

    samples = torch.from_numpy(clip.samples.copy())
    played = functional.resample(samples, orig_freq=percent, new_freq=100)
    return Clip(played.numpy(), clip.rate)


def draw_add_noise(rng: np.random.Generator, *, snr_db: Range = (10, 30)) -> Params:
    """Choose a ratio of signal to noise in dB, and the seed that brings the noise back."""
    return {"snr_db": between(rng, snr_db), "seed": between(rng, SEEDS)}


def draw_speed(rng: np.random.Generator, *, percent: Range = (90, 110)) -> Params:
    """Choose a speed in percent of the original; never the original itself."""
    return {"percent": between(rng, percent, but=100)}


TRANSFORMS = (
    Transform(
        name="add_noise",
        medium="audio",
        bounds={"snr_db": (-20, 100), "seed": SEEDS},
        draw=draw_add_noise,
        apply=add_noise,
    ),
    Transform(
        name="speed",
        medium="audio",
        bounds={"percent": (50, 200)},
        draw=draw_speed,
        apply=speed,
    ),
)
