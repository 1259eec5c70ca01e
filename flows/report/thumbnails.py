"""Small pictures of media, and short clips, to be held by the page itself.

A view is rebuilt from its parent's media and its history. Files are never trusted: they are decoded
as everywhere else, and one that is gone, damaged or cannot be rebuilt gives a word in its place.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.clip import Clip
from augment.errors import AugmentError
from augment.history import Applied, from_json, replay, steps_for
from flows.report.embed import data_uri
from pipelines.policies.film import shown_frames
from pipelines.policies.spectrogram import log_mel_picture
from pipelines.preview import marks
from pipelines.record.media import BadMedia, MediaStore, decode_audio, decode_image
from pipelines.record.sample import Answer

if TYPE_CHECKING:
    from PIL import Image

SIDE = 192
"""Pixels of the longer side of a small picture; one that is smaller stays as it is."""
QUALITY = 72
FILM = 4
"""Frames of a video, side by side."""
CLIP_SECONDS = 8.0
"""A longer clip is shown as a spectrogram, and not to be heard."""
CLIP_RATE = 16_000
FEW_COLOURS = 4_096
"""Colours up to which a PNG may be smaller than a JPEG."""
MARK = (224, 0, 96)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A medium as a sample shows it."""

    media_id: str
    kind: str
    history: str = ""
    """Canonical JSON; empty for an original."""
    answer: str = ""
    """JSON of an answer that is a place in the picture, which is marked; else empty."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page holds of a medium."""

    picture: str = ""
    """A `data:` address; empty where there is none."""
    width: int = 0
    height: int = 0
    clip: str = ""
    """A `data:` address of a sound."""
    problem: str = ""
    """Why there is no picture."""

    @property
    def size(self) -> int:
        """Characters that it takes on the page."""
        return len(self.picture) + len(self.clip)

    def as_json(self) -> list[Any]:
        """Give the form that the page's script reads."""
        return [self.picture, self.width, self.height, self.clip, self.problem]


def shown(store: MediaStore, wanted: Wanted) -> Shown:
    """Draw a medium small. What cannot be drawn says why, in a few words."""
    try:
        return _drawn(store.read(wanted.media_id), wanted)
    except BadMedia as error:
        return Shown(problem=error.reason.replace("_", " "))
    except OSError as error:
        return Shown(problem=error.strerror or "unreadable file")
    except AugmentError:
        return Shown(problem="the view cannot be rebuilt")


def _drawn(data: bytes, wanted: Wanted) -> Shown:
    steps = _steps(wanted)
    if wanted.kind == "audio":
        clip = Clip(*decode_audio(data))
        return _sound(replay(clip, steps) if steps else clip)
    if wanted.kind == "video":
        return _encoded(_picture(np.concatenate(list(shown_frames(data, steps, FILM)), axis=1)))
    if wanted.kind != "image":
        return Shown(problem=f"unknown kind {wanted.kind}")
    return _encoded(_marked(_picture(replay(decode_image(data), steps)), wanted.answer))


def _steps(wanted: Wanted) -> list[Applied]:
    kinds: Mapping[str, Any] = {"image": "image", "audio": "audio", "video": "video"}
    if not wanted.history or wanted.kind not in kinds:
        return []
    return steps_for(kinds[wanted.kind], from_json(wanted.history))


def _sound(clip: Clip) -> Shown:
    picture = _encoded(log_mel_picture(clip.samples, clip.rate))
    if len(clip.samples) > CLIP_SECONDS * clip.rate:
        return picture
    return Shown(picture.picture, picture.width, picture.height, _flac(clip))


def _flac(clip: Clip) -> str:
    """Give a clip as 16-bit FLAC, at a lower rate where its own is high."""
    import soundfile

    step = max(1, clip.rate // CLIP_RATE)
    whole = len(clip.samples) // step * step
    # Averaging before leaving samples out is a coarse low-pass: good enough to know a clip by.
    samples = clip.samples[:whole].reshape(-1, step).mean(axis=1).clip(-1, 1)
    file = io.BytesIO()
    soundfile.write(file, samples, clip.rate // step, format="FLAC", subtype="PCM_16")
    return data_uri("audio/flac", file.getvalue())


def _picture(pixels: "np.ndarray[Any, Any]") -> "Image.Image":
    from PIL import Image

    return Image.fromarray(np.asarray(pixels, np.uint8))


def _marked(picture: "Image.Image", answer: str) -> "Image.Image":
    """Draw the points and boxes of an answer, thick enough to be seen when the picture is small."""
    import json

    from PIL import ImageDraw

    if not answer:
        return picture
    try:
        found = marks(Answer.from_json(json.loads(answer)))
    except (ValueError, KeyError, TypeError):
        return picture
    pen, thick = ImageDraw.Draw(picture), max(1, max(picture.size) // 90)
    for mark in found:
        x, y = mark[:2]
        if len(mark) == 4:
            left, right = sorted((x, mark[2]))
            top, bottom = sorted((y, mark[3]))
            pen.rectangle([left, top, right, bottom], outline=MARK, width=thick)
        else:
            reach = 5 * thick
            pen.ellipse([x - reach, y - reach, x + reach, y + reach], outline=MARK, width=thick)
    return picture


def _encoded(picture: "Image.Image") -> Shown:
    """Shrink a picture, and give the smaller of its PNG and its JPEG."""
    from PIL import Image

    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    files: list[tuple[str, dict[str, Any]]] = [("JPEG", {"quality": QUALITY})]
    if picture.getcolors(FEW_COLOURS) is not None:
        files.append(
            ("PNG", {"compress_level": 6})
        )  # of a photograph it is slow, and never smaller
    written = []
    for kind, options in files:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        written.append((f"image/{kind.lower()}", file.getvalue()))
    kind, data = min(written, key=lambda one: len(one[1]))
    return Shown(data_uri(kind, data), *picture.size)
