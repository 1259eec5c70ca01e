"""Every transform by name and version: how its numbers are drawn, and what is done with them.

Drawing is the only random part. What was drawn is a few integers, and applying them is pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from augment import audio, image, spatial
from augment.errors import AugmentError

Medium: TypeAlias = Literal["image", "audio"]
Media: TypeAlias = image.Image | audio.Clip
Params: TypeAlias = dict[str, int]
Range: TypeAlias = tuple[int, int]
"""Lowest and highest, both included."""
Limits: TypeAlias = Mapping[str, Range]

SEEDS: Range = (0, 2**31 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """One thing that can be done to media."""

    name: str
    medium: Medium
    version: int = 1
    """Goes up whenever the same numbers would give other pixels or samples."""
    bounds: Limits
    """What `apply` takes, and how far each number may go."""
    draw: Callable[..., Params]
    """(rng, **limits) -> params."""
    apply: Callable[..., Media]
    """(media, **params) -> media."""
    move: Callable[..., spatial.Move] | None = None
    """(width, height, **params) -> where points go; None where nothing moves."""


def draw_gaussian_noise(rng: np.random.Generator, *, sigma: Range = (4, 25)) -> Params:
    """Choose a noise level in 1/255, and the seed that brings the noise back."""
    return {"sigma": _between(rng, sigma), "seed": _between(rng, SEEDS)}


def draw_blur(rng: np.random.Generator, *, tenths: Range = (3, 10)) -> Params:
    """Choose the width of the blur in tenths of a pixel."""
    return {"tenths": _between(rng, tenths)}


def draw_jpeg(rng: np.random.Generator, *, quality: Range = (50, 90)) -> Params:
    """Choose a quality as JPEG counts it, up to 100."""
    return {"quality": _between(rng, quality)}


def draw_rotate(rng: np.random.Generator, *, decidegrees: Range = (-150, 150)) -> Params:
    """Choose an angle in tenths of a degree, counter-clockwise; never none at all."""
    return {"decidegrees": _between(rng, decidegrees, but=0)}


def draw_add_noise(rng: np.random.Generator, *, snr_db: Range = (10, 30)) -> Params:
    """Choose a ratio of signal to noise in dB, and the seed that brings the noise back."""
    return {"snr_db": _between(rng, snr_db), "seed": _between(rng, SEEDS)}


def draw_speed(rng: np.random.Generator, *, percent: Range = (90, 110)) -> Params:
    """Choose a speed in percent of the original; never the original itself."""
    return {"percent": _between(rng, percent, but=100)}


_ALL = (
    Transform(
        name="gaussian_noise",
        medium="image",
        bounds={"sigma": (0, image.STRONGEST_NOISE), "seed": SEEDS},
        draw=draw_gaussian_noise,
        apply=image.gaussian_noise,
    ),
    Transform(
        name="blur",
        medium="image",
        bounds={"tenths": (1, 100)},
        draw=draw_blur,
        apply=image.blur,
    ),
    Transform(
        name="jpeg",
        medium="image",
        bounds={"quality": (1, 100)},
        draw=draw_jpeg,
        apply=image.jpeg,
    ),
    Transform(
        name="rotate",
        medium="image",
        bounds={"decidegrees": (-1800, 1800)},
        draw=draw_rotate,
        apply=spatial.rotate,
        move=spatial.rotation,
    ),
    Transform(
        name="add_noise",
        medium="audio",
        bounds={"snr_db": (-20, 100), "seed": SEEDS},
        draw=draw_add_noise,
        apply=audio.add_noise,
    ),
    Transform(
        name="speed",
        medium="audio",
        bounds={"percent": (50, 200)},
        draw=draw_speed,
        apply=audio.speed,
    ),
)

TRANSFORMS: dict[str, Transform] = {t.name: t for t in sorted(_ALL, key=lambda t: t.version)}
"""The newest version of each, by name. An old version stays in `_ALL` for as long as views use it."""


def find(name: str, version: int | None = None) -> Transform:
    """Return a transform, the newest where no version is given."""
    if name not in TRANSFORMS:
        raise AugmentError(f"unknown transform {name!r}; known are {', '.join(sorted(TRANSFORMS))}")
    if version is None:
        return TRANSFORMS[name]
    for transform in _ALL:
        if (transform.name, transform.version) == (name, version):
            return transform
    raise AugmentError(
        f"transform {name!r} is here in version {TRANSFORMS[name].version}, not {version}, "
        "so what version "
        f"{version} made cannot be rebuilt"
    )


def _between(rng: np.random.Generator, limits: Range, but: int | None = None) -> int:
    """Draw an integer within the limits, both included, that is not `but`."""
    low, high = limits
    if but is None or not low <= but <= high:
        return int(rng.integers(low, high, endpoint=True))
    if low == high:
        raise AugmentError(f"the limits {low} to {high} leave nothing to draw but {but}")
    drawn = int(rng.integers(low, high))
    return drawn if drawn < but else drawn + 1
