"""What was done to a piece of media: the record that stands in for augmented pixels and samples."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np

from augment import image
from augment.audio import Clip
from augment.errors import AugmentError
from augment.move import Move, stay
from augment.transforms import Media, Medium, Transform, find

M = TypeVar("M", bound=Media)


@dataclass(frozen=True, slots=True)
class Applied:
    """One transform and the numbers that were drawn for it: integers or words, never floats."""

    name: str
    params: Mapping[str, int | str]
    version: int
    """Of the transform's code, so that changing it never changes an old view."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or type(self.version) is not int:
            raise AugmentError(f"{self.name!r} version {self.version!r} does not name a transform")
        params = dict(self.params)
        for key, value in params.items():
            if type(value) not in (int, str):
                raise AugmentError(
                    f"{self.name!r} has {key} = {value!r}; a parameter is an integer or a word"
                )
            if isinstance(value, str):
                params[key] = unicodedata.normalize("NFC", value)
        object.__setattr__(self, "params", MappingProxyType(params))

    def __hash__(self) -> int:
        return hash((self.name, self.version, tuple(sorted(self.params.items()))))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy does not pickle, and worker processes are handed histories.
        return Applied, (self.name, dict(self.params), self.version)


def to_json(history: Sequence[Applied]) -> str:
    """Return the canonical JSON: one history has one text, so the text can identify a view."""
    steps = [{"name": a.name, "params": dict(a.params), "version": a.version} for a in history]
    return json.dumps(steps, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_json(text: str) -> list[Applied]:
    """Read a history back, from canonical JSON or any other layout of the same."""
    try:
        steps = json.loads(text)
    except ValueError as error:
        raise AugmentError(f"a history is not JSON: {error}") from None
    if not isinstance(steps, list):
        raise AugmentError(f"a history is a list of steps, not {text[:80]}")
    return [_step(step) for step in steps]


def replay(media: M, history: Sequence[Applied]) -> M:
    """Rebuild the augmented media from the clean one."""
    medium = medium_of(media)
    out: Any = media
    for applied in history:
        out = _checked(applied, medium).apply(out, **applied.params)
    return cast(M, out)


def move(width: int, height: int, history: Sequence[Applied]) -> Move:
    """Return where the points of a picture of this size went, and the size it has now."""
    so_far = stay(width, height)
    for applied in history:
        transform = _checked(applied, "image")
        if transform.move is not None:
            step = transform.move(so_far.width, so_far.height, **applied.params)
            so_far = so_far.then(step)
    return so_far


def medium_of(media: object) -> Medium:
    """Name the medium of a piece of media, or say what is wrong with it."""
    if isinstance(media, Clip):
        return "audio"
    if not isinstance(media, np.ndarray):
        raise AugmentError(f"media is an array of pixels or a Clip, not {type(media).__name__}")
    image.check(media)
    return "image"


def _step(step: Any) -> Applied:
    if not isinstance(step, dict) or set(step) != {"name", "params", "version"}:
        raise AugmentError(f"a step of a history has name, params and version, not {step!r}")
    if not isinstance(step["params"], dict):
        raise AugmentError(f"the params of {step['name']!r} are an object, not {step['params']!r}")
    return Applied(**step)


def _checked(applied: Applied, medium: Medium) -> Transform:
    """Find the transform and hold the recorded parameters against it."""
    transform = find(applied.name, applied.version)
    if transform.medium != medium:
        raise AugmentError(f"{applied.name!r} is for {transform.medium}, not for {medium}")
    if set(applied.params) != set(transform.bounds):
        raise AugmentError(
            f"{applied.name!r} takes {', '.join(sorted(transform.bounds))}, "
            f"not {', '.join(sorted(applied.params)) or 'nothing'}"
        )
    for key, (low, high) in transform.bounds.items():
        value = applied.params[key]
        if not isinstance(value, int) or not low <= value <= high:
            raise AugmentError(f"{applied.name!r} takes {key} from {low} to {high}, not {value!r}")
    return transform
