"""Masks on the waveform: a span of silence, and a band that is stopped.

For models that make their own spectrograms, which SpecAugment (arXiv 1904.08779) cannot reach.
"""

import numpy as np

from augment.bands import above, filtered
from augment.clip import Clip
from augment.errors import AugmentError
from augment.transform import Params, Range, Transform, between

FADE_SECONDS = 0.005
"""At each end of a gap, inside it, because a hard edge is a click and a click is an event."""
HERTZ_BOUNDS: Range = (20, 100_000)
WIDEST_BAND = 2**0.5
"""Top over bottom of a band that is drawn: half an octave, less than a formant moves in speech."""


def time_mask(clip: Clip, *, start: int, length: int) -> Clip:
    """Silence a span, given in thousandths of the clip; what would pass its end is cut there.

    A span that comes to no sample changes nothing, nor does one that would leave nothing.
    """
    total = len(clip.samples)
    first, end = total * start // 1000, total * min(start + length, 1000) // 1000
    if first == end or (first, end) == (0, total):
        return clip
    masked = clip.samples.copy()
    fade = min(round(FADE_SECONDS * clip.rate), (end - first) // 2)
    down = ((1 + np.cos(np.pi * np.arange(1, fade + 1) / (fade + 1))) / 2).astype(np.float32)
    masked[first : first + fade] *= down
    masked[first + fade : end - fade] = 0
    masked[end - fade : end] *= down[::-1]
    return clip.with_samples(masked)


def frequency_mask(clip: Clip, *, low_hz: int, high_hz: int) -> Clip:
    """Stop what lies between two frequencies; a band above the clip's own changes nothing."""
    if low_hz >= high_hz:
        raise AugmentError(
            f"a band goes from a lower to a higher frequency, not {low_hz} to {high_hz}"
        )
    if low_hz >= clip.rate / 2 or not clip.samples.any():
        return clip
    return filtered(clip, lambda hertz: 1 - above(low_hz, hertz) * (1 - above(high_hz, hertz)))


def draw_time_mask(
    rng: np.random.Generator, *, start: Range = (0, 1000), length: Range = (10, 100)
) -> Params:
    """Choose a span in thousandths of the clip, inside it where the limits let it be."""
    chosen = between(rng, length)
    last = max(start[0], min(start[1], 1000 - chosen))
    return {"start": between(rng, (start[0], last)), "length": chosen}


def draw_frequency_mask(
    rng: np.random.Generator, *, low_hz: Range = (200, 3000), high_hz: Range = (250, 4000)
) -> Params:
    """Choose a band of at most half an octave within the limits."""
    bottom = between(rng, (low_hz[0], max(low_hz[0], min(low_hz[1], high_hz[1] - 1))))
    narrowest = max(high_hz[0], bottom + 1)
    widest = max(narrowest, min(high_hz[1], int(bottom * WIDEST_BAND)))
    return {"low_hz": bottom, "high_hz": between(rng, (narrowest, widest))}


TRANSFORMS = (
    Transform(
        name="time_mask",
        medium="audio",
        bounds={"start": (0, 1000), "length": (1, 500)},
        draw=draw_time_mask,
        apply=time_mask,
    ),
    Transform(
        name="frequency_mask",
        medium="audio",
        bounds={"low_hz": HERTZ_BOUNDS, "high_hz": HERTZ_BOUNDS},
        draw=draw_frequency_mask,
        apply=frequency_mask,
    ),
)
