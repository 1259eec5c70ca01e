"""A clip as a picture: the log-mel spectrogram that a policy without ears is shown."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

MELS = 32
HOP_SECONDS = 0.02
MAX_COLUMNS = 128
COLUMN_STEP = 16
"""Widths are padded with silence to a multiple of this, so that patches fit."""
TOP_HERTZ = 4000.0
DECADES = 4.0
"""Power this many powers of ten below the loudest moment is drawn white."""
QUIETEST_PEAK = -2.0
"""Decades of power: a clip whose loudest moment is below this is drawn faint, and silence white."""


def log_mel_picture(samples: NDArray[np.floating], rate: int) -> "Image.Image":
    """Draw a mono clip [T] in black on white, low tones at the bottom, time to the right.

    A column is 20 ms; where a clip is longer than 128 columns, each is the mean of several.
    """
    from PIL import Image

    hop = max(1, round(HOP_SECONDS * rate))
    clip = np.asarray(samples, np.float32)
    padded = np.concatenate([clip, np.zeros(2 * hop, np.float32)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[: max(1, len(clip)) : hop]
    if len(frames) > MAX_COLUMNS:
        groups = np.array_split(frames, MAX_COLUMNS)
        mel = np.stack([_mel_power(group, rate).mean(axis=0) for group in groups])
    else:
        mel = _mel_power(frames, rate)
    decades = np.log10(mel + 1e-10)
    ink = ((decades - max(decades.max(), QUIETEST_PEAK)) / DECADES + 1).clip(0, 1)
    grey = np.full((MELS, -(-len(mel) // COLUMN_STEP) * COLUMN_STEP), 255, np.uint8)
    grey[:, : len(mel)] = (255 * (1 - ink)).astype(np.uint8).T[::-1]
    return Image.fromarray(grey).convert("RGB")


def _mel_power(frames: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Measure the power in each mel band, [frames, mels], of frames of samples."""
    window = frames.shape[1]
    spectrum = np.fft.rfft(frames * np.hanning(window).astype(np.float32))
    power: NDArray[np.float32] = np.abs(spectrum).astype(np.float32) ** 2
    return power @ _mel_bank(window, rate).T


@cache
def _mel_bank(window: int, rate: int) -> NDArray[np.float32]:
    """Triangles that are evenly spaced on the mel scale, [mels, bins]."""
    top = 2595 * np.log10(1 + min(TOP_HERTZ, rate / 2) / 700)
    edges = 700 * (10 ** (np.linspace(0, top, MELS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(window, 1 / rate)[None, :]
    left, middle, right = (edges[i : i + MELS, None] for i in range(3))
    rise, fall = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)
