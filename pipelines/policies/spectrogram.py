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
"""Widths are padded to a multiple of this, so that patches fit."""
TOP_HERTZ = 4000.0
FLOOR_DECADES = 4.0
"""Power this many powers of ten below the loudest moment is drawn white."""


def log_mel_picture(samples: NDArray[np.floating], rate: int) -> "Image.Image":
    """Draw a mono clip [T] as a grey picture, low tones at the bottom, time to the right.

    A column is 20 ms; a clip longer than 128 columns is drawn with longer hops instead.
    """
    from PIL import Image

    hop = max(round(HOP_SECONDS * rate), -(-len(samples) // MAX_COLUMNS))
    window = 2 * hop
    padded = np.concatenate([np.asarray(samples, np.float32), np.zeros(window, np.float32)])
    columns = max(1, -(-len(samples) // hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: columns * hop : hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32))) ** 2
    mel = np.log10(power @ _mel_bank(window, rate).T + 1e-10)
    bright = (mel - mel.max()) / FLOOR_DECADES + 1
    grey = np.zeros((MELS, -(-columns // COLUMN_STEP) * COLUMN_STEP), np.uint8)
    grey[:, :columns] = (bright.clip(0, 1) * 255).astype(np.uint8).T[::-1]
    return Image.fromarray(255 - grey).convert("RGB")


@cache
def _mel_bank(window: int, rate: int) -> NDArray[np.float32]:
    """Triangles that are evenly spaced on the mel scale, [mels, bins]."""
    top = 2595 * np.log10(1 + min(TOP_HERTZ, rate / 2) / 700)
    edges = 700 * (10 ** (np.linspace(0, top, MELS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(window, 1 / rate)[None, :]
    left, middle, right = (edges[i : i + MELS, None] for i in range(3))
    rise, fall = (bins - left) / (middle - left), (right - bins) / (right - middle)
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)
