"""What a transform is: how its numbers are drawn, and what is done with them.

Drawing is the only random part. What was drawn is a few integers and words; applying them is pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from augment.errors import AugmentError
from augment.move import Move
from augment.timing import TimeMove

Medium: TypeAlias = Literal["image", "audio", "text", "video"]
Params: TypeAlias = dict[str, int | str]
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
    apply: Callable[..., Any]
    """(media, **params) -> media."""
    move: Callable[..., Move] | None = None
    """(width, height, **params) -> where points go; None where nothing moves."""
    retime: Callable[..., TimeMove] | None = None
    """(seconds, **params) -> where moments go; None where time stays as it is."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Parameters that are words, each with the regular expression that all of it must match."""


def between(rng: np.random.Generator, limits: Range, but: int | None = None) -> int:
    """Draw an integer within the limits, both included, that is not `but`."""
    low, high = limits
    if but is None or not low <= but <= high:
        return int(rng.integers(low, high, endpoint=True))
    if low == high:
        raise AugmentError(f"the limits {low} to {high} leave nothing to draw but {but}")
    drawn = int(rng.integers(low, high))
    return drawn if drawn < but else drawn + 1
