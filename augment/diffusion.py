"""NoisyRollout's noise: a step of forward diffusion (Liu et al. 2025, arXiv 2504.13055).

x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps on pixels from 0 to 1, clamped. How the step falls in
the course of a run is `augment.annealing`.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from augment import gaussian
from augment.image import Image
from augment.transform import SEEDS, Params, Range, Transform, between

STEPS = 1000
FIRST_BETA, LAST_BETA = 1e-5, 5e-3
FRACTION = 1 << 16
"""One, in the integer arithmetic below."""
CHUNK = 1 << 16
"""Values at a time, so that they stay in the processor's cache."""


@functools.cache
def alpha_bars() -> NDArray[np.float64]:
    """Return abar of every step: the running product of 1 - beta, beta rising as a sigmoid."""
    rising = 1 / (1 + np.exp(-np.linspace(-6, 6, STEPS)))
    return np.asarray(np.cumprod(1 - (FIRST_BETA + (LAST_BETA - FIRST_BETA) * rising)))


def alpha_bar(step: int) -> float:
    """Return the share of the picture's power that is left after a step, counted from 0."""
    return float(alpha_bars()[step])


def noise_level(step: int) -> float:
    """Return the standard deviation of a step's noise, on pixels from 0 to 1."""
    return math.sqrt(1 - alpha_bar(step))


def diffusion_noise(image: Image, *, step: int, seed: int) -> Image:
    """Fade the picture and add noise, as much as a step of forward diffusion does.

    With the pre-drawn noise (`augment.gaussian`, its tails cut at four deviations) rather than
    noise drawn afresh, which takes twenty times as long; integers throughout, so equal everywhere.
    """
    keep = round(math.sqrt(alpha_bar(step)) * FRACTION)
    spread = round(noise_level(step) * 255 / gaussian.UNIT * FRACTION)
    pixels = np.ascontiguousarray(image).reshape(-1)
    steps = gaussian.pooled(seed, image.size)
    out = np.empty(image.size, dtype=np.uint8)
    for start in range(0, image.size, CHUNK):
        part = slice(start, start + CHUNK)
        value = pixels[part] * np.int32(keep)
        value += steps[part] * np.int32(spread)
        value += FRACTION // 2
        value >>= 16
        out[part] = np.clip(value, 0, 255, out=value)
    return out.reshape(image.shape)


def draw_diffusion_noise(rng: np.random.Generator, *, step: Range = (20, 500)) -> Params:
    """Choose a diffusion step, and the seed that brings the noise back."""
    return {"step": between(rng, step), "seed": between(rng, SEEDS)}


TRANSFORMS = (
    Transform(
        name="diffusion_noise",
        medium="image",
        bounds={"step": (0, STEPS - 1), "seed": SEEDS},
        draw=draw_diffusion_noise,
        apply=diffusion_noise,
    ),
)
