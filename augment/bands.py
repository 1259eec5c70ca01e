"""Filters by FFT: a gain for each frequency of a whole clip, and the convolution with a response.

Gains have no phase, so that nothing moves in time. scipy's FFT at lengths that it is quick at,
rather than torchaudio's recursive filters, which delay what they pass and fall off slowly.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from augment.clip import Clip

Gains: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Frequencies in hertz -> the gain of each."""

EDGE = 0.05
"""Half the width of a slope, as a share of its frequency: a steeper one would ring."""
SMALLEST_BLOCK = 1 << 14
"""Of a convolution, in samples: quick, and long beside the response of a small room."""
RING_SECONDS = 0.05
"""Silence behind the clip, so that its end does not ring into its beginning."""


def filtered(clip: Clip, gains: Gains) -> Clip:
    """Multiply each frequency of a clip with its gain; the length stays."""
    from scipy import fft

    length = len(clip.samples)
    size = quick_length(length + round(RING_SECONDS * clip.rate))
    spectrum = fft.rfft(clip.samples, size)
    spectrum *= gains(fft.rfftfreq(size, 1 / clip.rate)).astype(np.float32)
    return clip.with_samples(fft.irfft(spectrum, size)[:length])


def convolved(samples: NDArray[np.float32], response: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convolve a clip's samples with a response; what follows the clip's end is cut.

    In overlapping blocks of a power of two, transformed together: half the time of one transform
    of the whole, and a tenth of torchaudio's `fftconvolve`.
    """
    from scipy import fft

    response = response[: len(samples)]
    block = max(SMALLEST_BLOCK, 1 << (2 * len(response) - 1).bit_length())
    fresh = block - len(response) + 1
    count = -(-len(samples) // fresh)
    parts = np.zeros((count, fresh), dtype=np.float32)
    parts.reshape(-1)[: len(samples)] = samples
    spectra = fft.rfft(parts, block, axis=1) * fft.rfft(response, block)
    out = np.zeros(count * fresh + block, dtype=np.float32)
    for number, part in enumerate(fft.irfft(spectra, block, axis=1)):
        out[number * fresh : number * fresh + block] += part
    return out[: len(samples)]


def quick_length(samples: int) -> int:
    """Return a length at or above this many samples that scipy's FFT is quick at.

    Its own `next_fast_len` may give an odd one, which takes a quarter longer.
    """
    from scipy import fft

    sixteenth: int = fft.next_fast_len(-(-samples // 16), real=True)
    return 16 * sixteenth


def above(hertz: float, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return gains that rise from 0 to 1 around a frequency, a half at the frequency itself."""
    slope = (frequencies / hertz - 1) / EDGE
    gains: NDArray[np.float64] = (1 + np.sin(np.clip(slope, -1, 1) * np.pi / 2)) / 2
    return gains
