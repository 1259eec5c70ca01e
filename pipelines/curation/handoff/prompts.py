"""How long a prompt really is: tokenised, with its pictures, by the processor that will do it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PIL import Image

from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.media import content_of
from pipelines.curation.handoff.raw import RawRow
from pipelines.curation.handoff.trainer import Rule, Trainer, Whole, media_of
from pipelines.record.media import decode_image


def fits(processor: Any, trainer: Trainer, longest: int) -> Rule:
    """Make the rule that a prompt has at most so many tokens.

    A row that the processor itself refuses is a fault too: it would refuse it in training.
    """

    def rule(row: RawRow, whole: Whole) -> Iterator[Fault]:
        try:
            tokens = prompt_tokens(processor, trainer, row, whole)
        except Exception as error:  # whatever a processor may raise, the trainer would meet
            yield Fault("processor_fails", "crash", f"{type(error).__name__}: {error}"[:200])
            return
        if tokens > longest:
            yield Fault("long_prompt", "crash", f"{tokens} tokens, over {longest}")

    return rule


def prompt_tokens(processor: Any, trainer: Trainer, row: RawRow, whole: Whole) -> int:
    """Count the tokens of a row's prompt."""
    pictures = [
        picture(value, whole)
        for column, values in media_of(row, trainer).items()
        if trainer.media[column] == "image"
        for value in values
    ]
    messages = _messages(row.get(trainer.prompt), len(pictures))
    sees = hasattr(processor, "image_processor")
    if not sees:
        messages = [
            {**m, "content": "".join(b.get("text", "") for b in m["content"])} for m in messages
        ]
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    if sees and pictures:
        return len(processor(text=[text], images=[pictures])["input_ids"][0])
    tokenizer = getattr(processor, "tokenizer", processor)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def picture(value: Any, whole: Whole) -> Image.Image:
    """Open a picture of a row."""
    content = content_of(value, whole.folder)
    if content is None:
        raise ValueError(f"{value!r} is no picture"[:200])
    return Image.fromarray(
        decode_image(content if isinstance(content, bytes) else content.read_bytes())
    )


def _messages(prompt: Any, pictures: int) -> list[dict[str, Any]]:
    """Write a prompt in blocks, with so many pictures in the places of its tags."""
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    roles = [m.get("role", m.get("from")) for m in turns]
    contents = [_blocks(m.get("content", m.get("value")), pictures) for m in turns]
    if pictures and not any(b["type"] == "image" for content in contents for b in content):
        first = next(i for i, role in enumerate(roles) if role in ("user", "human"))
        contents[first] = [{"type": "image"}] * pictures + contents[first]
    return [
        {"role": role, "content": content} for role, content in zip(roles, contents, strict=True)
    ]


def _blocks(content: Any, pictures: int) -> list[dict[str, Any]]:
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [
            {"type": "text", "text": b.get("text") or ""}
            if b.get("type") == "text"
            else {"type": b.get("type")}
            for b in content
            if isinstance(b, Mapping)
        ]
    parts = re.split("(<image>)", str(content)) if pictures else [str(content)]
    return [
        {"type": "image"} if part == "<image>" and pictures else {"type": "text", "text": part}
        for part in parts
        if part
    ]
