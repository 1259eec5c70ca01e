"""A clip of sound, which is one channel, and how several channels become one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augment.errors import AugmentError

MOST_CHANNELS = 64
"""More than any recorder gives; an array with more was turned on its side."""
CANCELLED = 1e-3
"""Below this share of the loudest channel, the average of channels has lost the sound: -60 dB."""


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

    def with_samples(self, samples: NDArray[np.floating[Any]]) -> "Clip":
        """Return a clip of other samples at the same rate."""
        return Clip(np.ascontiguousarray(samples, dtype=np.float32), self.rate)


def from_channels(samples: NDArray[np.floating[Any]], rate: int) -> Clip:
    """Return the average of all channels of [T, C], each counting the same, as one clip.

    Two, six or eight channels are treated alike, as media are when they are read. Channels that
    cancel one another are refused, because the average would be silent where the recording is not.
    """
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= MOST_CHANNELS:
        raise AugmentError(
            f"channels must be of shape [T, C] with 1 to {MOST_CHANNELS} of them, "
            f"not {list(samples.shape)}"
        )
    clip = Clip(samples.mean(axis=1, dtype=np.float64).astype(np.float32), rate)
    loudest = (
        float(np.sqrt((samples.astype(np.float64) ** 2).mean(axis=0).max()))
        if len(samples)
        else 0.0
    )
    if len(samples) and rms(clip.samples) < CANCELLED * loudest:
        raise AugmentError(
            f"the {samples.shape[1]} channels cancel one another; choose one of them instead"
        )
    return clip


def rms(samples: NDArray[np.floating[Any]]) -> float:
    """Return how loud samples are: the root of their mean square, 0 where there are none."""
    if not len(samples):
        return 0.0
    # In doubles, because the squares of very quiet samples vanish in single precision.
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))
