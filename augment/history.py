"""What was done to a piece of media: the record that stands in for augmented pixels and samples."""

import json
import re
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
from augment.question import Question
from augment.timing import Seconds, TimeMove, same_time
from augment.transforms import Media, Medium, Transform, find
from augment.video import Frames, frame_by_frame

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
        transform = _checked(applied, medium)
        if transform.medium == "image" and medium == "video":
            out = frame_by_frame(transform, out, applied.params)
        else:
            out = transform.apply(out, **applied.params)
    return cast(M, out)


def replay_to_jpeg(media: image.Image, history: Sequence[Applied], quality: int = 95) -> bytes:
    """Rebuild an augmented picture as a file of this quality.

    Where the last step is `jpeg`, its own file is the result, of its own quality: it holds those
    very pixels, so that nothing is lost or spent twice.
    """
    if history and history[-1].name == "jpeg":
        *before, last = history
        _checked(last, "image")
        return image.jpeg_file(replay(media, before), quality=int(last.params["quality"]))
    return image.jpeg_file(replay(media, history), quality=quality)


def move(width: int, height: int, history: Sequence[Applied]) -> Move:
    """Return where the points of a picture or a video of this size went, and the size it has now."""
    so_far = stay(width, height)
    for applied in history:
        is_of_video = find(applied.name, applied.version).medium == "video"
        transform = _checked(applied, "video" if is_of_video else "image")
        if transform.move is not None:
            step = transform.move(so_far.width, so_far.height, **applied.params)
            so_far = so_far.then(step)
    return so_far


def retime(seconds: Seconds, history: Sequence[Applied], medium: Medium = "audio") -> TimeMove:
    """Return where the moments of a clip or a video of this length went, and how long it is now."""
    so_far = same_time(seconds)
    for applied in history:
        transform = _checked(applied, medium)
        if transform.retime is not None:
            so_far = so_far.then(transform.retime(so_far.seconds, **applied.params))
    return so_far


def steps_for(medium: Medium, history: Sequence[Applied]) -> list[Applied]:
    """Return the steps that are for one medium: the others leave it as it is."""
    return [a for a in history if _is_for(find(a.name, a.version), medium)]


def medium_of(media: object) -> Medium:
    """Name the medium of a piece of media, or say what is wrong with it."""
    if isinstance(media, Clip):
        return "audio"
    if isinstance(media, Question):
        return "text"
    if isinstance(media, Frames):
        return "video"
    if not isinstance(media, np.ndarray):
        raise AugmentError(
            f"media is an array of pixels, a Clip, Frames or a Question, not {type(media).__name__}"
        )
    image.check(media)
    return "image"


def _step(step: Any) -> Applied:
    if not isinstance(step, dict) or set(step) != {"name", "params", "version"}:
        raise AugmentError(f"a step of a history has name, params and version, not {step!r}")
    if not isinstance(step["params"], dict):
        raise AugmentError(f"the params of {step['name']!r} are an object, not {step['params']!r}")
    return Applied(**step)


def _is_for(transform: Transform, medium: Medium) -> bool:
    """Whether a medium can bear it: what is done to pictures can be done to each frame too."""
    return transform.medium == medium or (transform.medium, medium) == ("image", "video")


def _checked(applied: Applied, medium: Medium) -> Transform:
    """Find the transform and hold the recorded parameters against it."""
    transform = find(applied.name, applied.version)
    if not _is_for(transform, medium):
        raise AugmentError(f"{applied.name!r} is for {transform.medium}, not for {medium}")
    taken = {*transform.bounds, *transform.words}
    if set(applied.params) != taken:
        raise AugmentError(
            f"{applied.name!r} takes {', '.join(sorted(taken)) or 'nothing'}, "
            f"not {', '.join(sorted(applied.params)) or 'nothing'}"
        )
    for key, (low, high) in transform.bounds.items():
        value = applied.params[key]
        if not isinstance(value, int) or not low <= value <= high:
            raise AugmentError(f"{applied.name!r} takes {key} from {low} to {high}, not {value!r}")
    for key, pattern in transform.words.items():
        value = applied.params[key]
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise AugmentError(f"{applied.name!r} takes a {key} like {pattern}, not {value!r}")
    return transform
