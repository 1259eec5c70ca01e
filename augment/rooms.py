"""Reverb from made-up rooms: a direct path, a few early reflections, a tail that dies away.

The tail is noise under an exponential, which is what a room with a diffuse field gives (Moorer,
"About this reverberation business", 1979). Its noise has one power all along, so that it falls by
60 dB exactly when it should.
"""

import numpy as np
from numpy.typing import NDArray

from augment import gaussian
from augment.bands import convolved
from augment.clip import Clip, rms
from augment.transform import SEEDS, Params, Range, Transform, between

EARLY = 8
"""Reflections that stand out: walls, floor, ceiling and the table."""
EARLY_MS = (2, 30)
"""When they arrive after the direct sound, though never later than a tenth of what the room sounds
on: in a small one the walls are near."""
EVEN_MS = 400
"""The reverberation time at which tail and direct sound are equally strong. Elsewhere they are to
each other as the times are, as at one place in rooms of one size and other walls."""
EARLY_SHARE = 0.2
"""Of the energy after the direct sound, that of the reflections that stand out."""
EARLY_SEEDS = 2**31
"""Added to a seed, so that reflections and tail are drawn apart."""
TINY = 1e-12
"""Instead of nothing to divide by."""
SIXTY_DB = 3 * np.log(10)
"""How many times an amplitude falls by e until it is a thousandth."""


def reverb(clip: Clip, *, rt60_ms: int, seed: int) -> Clip:
    """Put the clip into a room whose sound falls by 60 dB in `rt60_ms`.

    Direct sound arrives at once and the whole is as loud as it was, so neither times nor
    loudness move; the tail after the clip's end is cut. An empty or silent clip comes back as it
    was. Through scipy's FFT (`bands.convolved`), because torchaudio's convolution takes ten times
    as long.
    """
    if not clip.samples.any():
        return clip
    wet = convolved(clip.samples, room_response(rt60_ms, seed, clip.rate))
    loud = rms(wet)
    return clip.with_samples(wet * (rms(clip.samples) / loud)) if loud else clip


def room_response(rt60_ms: int, seed: int, rate: int) -> NDArray[np.float32]:
    """Return what a room makes of one sample of 1: float32 [T], until it has fallen by 60 dB."""
    length = _length(rt60_ms, rate)
    decay = np.exp(np.arange(length) * (-SIXTY_DB / length))
    after = rt60_ms / EVEN_MS
    tail = _of_energy(_signs(seed, length) * decay, after * (1 - EARLY_SHARE))
    early = _of_energy(_reflections(rt60_ms, seed, rate) * decay, after * EARLY_SHARE)
    response = (tail + early).astype(np.float32)
    response[0] = 1
    return response


def _reflections(rt60_ms: int, seed: int, rate: int) -> NDArray[np.float64]:
    """Return reflections of strength 1 or -1 at times from the seed."""
    words = gaussian.raw(seed + EARLY_SEEDS, EARLY)
    first, last = (round(min(ms, rt60_ms / 10) * rate / 1000) for ms in EARLY_MS)
    at = (first + words // 2 % np.uint64(last - first + 1)).astype(np.intp)
    sign = np.where(words % 2, 1.0, -1.0)
    out: NDArray[np.float64] = np.zeros(_length(rt60_ms, rate))
    out[at] = sign
    return out


def _signs(seed: int, count: int) -> NDArray[np.float64]:
    """Return 1 and -1 from the seed: white like any noise, and of one power all along."""
    octets = gaussian.raw(seed, -(-count // 64)).astype("<u8").view(np.uint8)
    return np.where(np.unpackbits(octets)[:count], 1.0, -1.0)


def _length(rt60_ms: int, rate: int) -> int:
    return max(1, round(rt60_ms * rate / 1000))


def _of_energy(samples: NDArray[np.float64], energy: float) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = samples * np.sqrt(energy / max(np.square(samples).sum(), TINY))
    return scaled


def draw_reverb(rng: np.random.Generator, *, rt60_ms: Range = (200, 500)) -> Params:
    """Choose how long a room sounds on, in milliseconds, and the seed of its walls."""
    return {"rt60_ms": between(rng, rt60_ms), "seed": between(rng, SEEDS)}


TRANSFORMS = (
    Transform(
        name="reverb",
        medium="audio",
        bounds={"rt60_ms": (20, 5000), "seed": SEEDS},
        draw=draw_reverb,
        apply=reverb,
    ),
)
