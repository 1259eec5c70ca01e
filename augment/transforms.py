"""Every transform by name and version."""

from typing import TypeAlias

from augment import (
    audio,
    colour,
    diffusion,
    flipping,
    forms,
    framing,
    image,
    number_format,
    scaling,
    spatial,
    text,
    typos,
    video,
)
from augment.errors import AugmentError
from augment.question import Question
from augment.transform import Limits, Medium, Params, Range, Transform

__all__ = [
    "CONVERSIONS",
    "TRANSFORMS",
    "Limits",
    "Media",
    "Medium",
    "Params",
    "Range",
    "Transform",
    "find",
]

Media: TypeAlias = image.Image | audio.Clip | video.Frames | Question

_ALL = (
    *image.TRANSFORMS,
    *colour.TRANSFORMS,
    *diffusion.TRANSFORMS,
    *spatial.TRANSFORMS,
    *flipping.TRANSFORMS,
    *framing.TRANSFORMS,
    *scaling.TRANSFORMS,
    *video.TRANSFORMS,
    *audio.TRANSFORMS,
    *text.TRANSFORMS,
    *typos.TRANSFORMS,
    *number_format.TRANSFORMS,
)

TRANSFORMS: dict[str, Transform] = {t.name: t for t in sorted(_ALL, key=lambda t: t.version)}
"""The newest version of each, by name. An old version stays in `_ALL` for as long as views use it."""

CONVERSIONS: dict[str, Transform] = {t.name: t for t in forms.TRANSFORMS}
"""Other forms of a question: no recipe draws them, since that takes the answers of other samples."""


def find(name: str, version: int | None = None) -> Transform:
    """Return a transform, the newest where no version is given."""
    newest = TRANSFORMS.get(name) or CONVERSIONS.get(name)
    if newest is None:
        raise AugmentError(f"unknown transform {name!r}; known are {', '.join(sorted(TRANSFORMS))}")
    if version is None:
        return newest
    for transform in (*_ALL, *forms.TRANSFORMS):
        if (transform.name, transform.version) == (name, version):
            return transform
    raise AugmentError(
        f"transform {name!r} is here in version {newest.version}, not {version}, "
        "so what version "
        f"{version} made cannot be rebuilt"
    )
