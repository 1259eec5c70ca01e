"""A sample as a given policy sees it: views rebuilt, clips shown as it can take them.

Scoring and training both call this, so that they ask the same question.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.history import from_json, replay, steps_for
from pipelines.policies.policy import Request
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import canonical_json
from pipelines.record.media import Media, MediaKind, decode_audio, decode_image
from pipelines.record.sample import Sample

if TYPE_CHECKING:
    from PIL import Image

ReadMedia = Callable[[str], bytes]

GREY = (128, 128, 128)
"""What a blanked picture shows: the middle of every channel."""


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

    `blank` shows a grey picture of the same size, or silence of the same length, in the place of
    each medium, so that the prompt keeps its form and its number of tokens. Raises CannotShow
    when the policy takes no such medium, and BadMedia when one is damaged.
    """
    images = tuple(
        _picture(sample, medium, template, read, takes, blank=blank) for medium in sample.media
    )
    return Request(_messages(sample, template), images, n, prefix, template.thinking)


def in_words(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages with plain text for content, as chat templates of text-only models want it."""
    return [
        {"role": m["role"], "content": "".join(block["text"] for block in m["content"])}
        for m in messages
    ]


def _messages(sample: Sample, template: PromptTemplate) -> list[dict[str, Any]]:
    """Chat messages in which every medium is an image block, and the template's words are in."""
    messages: list[dict[str, Any]] = [
        {
            "role": message.role,
            "content": [
                {"type": "text", "text": block.text} if block.type == "text" else {"type": "image"}
                for block in message.content
            ],
        }
        for message in sample.prompt
    ]
    if template.system and not any(message["role"] == "system" for message in messages):
        system = {"role": "system", "content": [{"type": "text", "text": template.system}]}
        messages.insert(0, system)
    if template.instruction:
        messages[-1]["content"].append({"type": "text", "text": f"\n{template.instruction}"})
    return messages


def _picture(
    sample: Sample,
    medium: Media,
    template: PromptTemplate,
    read: ReadMedia,
    takes: frozenset[MediaKind],
    *,
    blank: bool,
) -> "Image.Image":
    from PIL import Image

    # Steps on the words are done already: the view's prompt is what they made of its parent's.
    history = steps_for(medium.kind, from_json(canonical_json(list(sample.history))))
    data = read(medium.media_id)
    if medium.kind == "image" and "image" in takes:
        pixels = replay(decode_image(data), history)
        picture = _within(Image.fromarray(np.asarray(pixels)), template.max_pixels)
        return Image.new("RGB", picture.size, GREY) if blank else picture
    if medium.kind == "audio" and template.audio == "log-mel" and "image" in takes:
        from augment.audio import Clip
        from pipelines.policies.spectrogram import log_mel_picture

        clip = replay(Clip(*decode_audio(data)), history)
        heard = np.zeros_like(clip.samples) if blank else clip.samples
        return log_mel_picture(heard, clip.rate)
    raise CannotShow(
        f"{sample.source_ref}: the policy takes {', '.join(sorted(takes)) or 'text only'}, "
        f"not {medium.kind} as template {template.name!r} shows it"
    )


def _within(picture: "Image.Image", max_pixels: int) -> "Image.Image":
    """Scale a picture down, keeping its ratio, until it has no more than `max_pixels`."""
    width, height = picture.size
    if width * height <= max_pixels:
        return picture
    scale = (max_pixels / (width * height)) ** 0.5
    return picture.resize((max(1, int(width * scale)), max(1, int(height * scale))))
