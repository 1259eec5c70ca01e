"""A sample as a given policy sees it: views rebuilt, clips and videos shown as it can take them.

Scoring and training both call this, so that they ask the same question.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.history import Applied, from_json, replay, steps_for
from pipelines.policies.policy import Request
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import canonical_json
from pipelines.record.media import Media, MediaKind, decode_audio, decode_image
from pipelines.record.sample import Block, Sample

if TYPE_CHECKING:
    from PIL import Image

ReadMedia = Callable[[str], bytes]

GREY = (128, 128, 128)
"""What a blanked picture shows: the middle of every channel."""
_MARKS = re.compile(r"<\|(?=[^|<>\s]{1,40}\|>)|<(?=(?:start|end)_of_turn>)|\[(?=/?INST\])")
"""Where `<|im_start|>`, `<start_of_turn>`, `[INST]` and their like begin."""


class CannotShow(ValueError):
    """The policy cannot be shown a medium of this kind."""


def render(
    sample: Sample,
    template: PromptTemplate,
    read: ReadMedia,
    takes: frozenset[MediaKind] = frozenset({"image"}),
    *,
    n: int = 1,
    prefix: str = "",
    blank: bool = False,
) -> Request:
    """Put one sample to a policy. `read` gives the bytes of a medium by its id.

    A video is shown as several pictures, one after another in its place. `blank` shows grey
    pictures of the same size, or silence of the same length, in the place of each medium, so that
    the prompt keeps its form and its number of tokens. Raises CannotShow when the policy takes no
    such medium, and BadMedia when one is damaged.
    """
    shown = [
        _pictures(sample, medium, template, read, takes, blank=blank) for medium in sample.media
    ]
    messages = _messages(sample, template, [len(pictures) for pictures in shown])
    return Request(messages, tuple(chain.from_iterable(shown)), n, prefix, template.thinking)


def in_words(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages with plain text for content, as chat templates of text-only models want it."""
    return [
        {"role": m["role"], "content": "".join(block["text"] for block in m["content"])}
        for m in messages
    ]


def _messages(
    sample: Sample, template: PromptTemplate, pictures: Sequence[int]
) -> list[dict[str, Any]]:
    """Chat messages in which every medium is as many image blocks as it has pictures, and the
    template's words are in."""
    counts = iter(pictures)
    messages: list[dict[str, Any]] = [
        {
            "role": message.role,
            "content": list(
                chain.from_iterable(_shown(block, counts) for block in message.content)
            ),
        }
        for message in sample.prompt
    ]
    if template.system and not any(message["role"] == "system" for message in messages):
        system = {"role": "system", "content": [{"type": "text", "text": template.system}]}
        messages.insert(0, system)
    if template.instruction:
        messages[-1]["content"].append({"type": "text", "text": f"\n{template.instruction}"})
    return messages


def _shown(block: Block, counts: Iterator[int]) -> list[dict[str, Any]]:
    if block.type == "text":
        return [{"type": "text", "text": _as_words(block.text)}]
    return [{"type": "image"} for _ in range(next(counts))]


def _as_words(text: str) -> str:
    """Part the marks that only a chat template may write: in a question they would be obeyed."""
    return _MARKS.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", text)


def _pictures(
    sample: Sample,
    medium: Media,
    template: PromptTemplate,
    read: ReadMedia,
    takes: frozenset[MediaKind],
    *,
    blank: bool,
) -> "list[Image.Image]":
    from PIL import Image

    # Steps on the words are done already: the view's prompt is what they made of its parent's.
    history = steps_for(medium.kind, from_json(canonical_json(list(sample.history))))
    if not shows(medium.kind, template, takes):
        raise CannotShow(
            f"{sample.source_ref}: the policy takes {', '.join(sorted(takes)) or 'text only'}, "
            f"not {medium.kind} as template {template.name!r} shows it"
        )
    data = read(medium.media_id)
    if medium.kind == "audio":
        return [_heard(data, history, blank=blank)]
    if medium.kind == "image":
        frames = [np.asarray(replay(decode_image(data), history))]
    else:
        from pipelines.policies.film import shown_frames

        frames = list(shown_frames(data, history, template.video_frames))
    limit = template.max_pixels // len(frames)
    pictures = [_within(Image.fromarray(frame), limit) for frame in frames]
    return [Image.new("RGB", picture.size, GREY) if blank else picture for picture in pictures]


def shows(kind: MediaKind, template: PromptTemplate, takes: frozenset[MediaKind]) -> bool:
    """Whether a policy that takes `takes` can be shown a medium of a kind: all are pictures to it."""
    return "image" in takes and (kind != "audio" or template.audio == "log-mel")


def _heard(data: bytes, history: Sequence[Applied], *, blank: bool) -> "Image.Image":
    """Draw a clip, or silence of its length."""
    from augment.audio import Clip
    from pipelines.policies.spectrogram import log_mel_picture

    clip = replay(Clip(*decode_audio(data)), history)
    return log_mel_picture(np.zeros_like(clip.samples) if blank else clip.samples, clip.rate)


def _within(picture: "Image.Image", max_pixels: int) -> "Image.Image":
    """Scale a picture down, keeping its ratio, until it has no more than `max_pixels`."""
    width, height = picture.size
    if width * height <= max_pixels:
        return picture
    scale = (max_pixels / (width * height)) ** 0.5
    return picture.resize((max(1, int(width * scale)), max(1, int(height * scale))))
