"""From a dataset version to the rows that a trainer gets, one at a time and in order."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pipelines.curation.formats.frames import COORDINATES, MAX_PIXELS, Frame, framed, instruction
from pipelines.curation.formats.row import Row, Shown
from pipelines.curation.formats.shown import shown_media
from pipelines.curation.formats.wording import escaped
from pipelines.curation.shards import each_sample, media_reader
from pipelines.policies.templates import TEMPLATES, PromptTemplate
from pipelines.record.sample import Block, Message, Sample
from pipelines.workspace import WrongUse


class Asking(BaseModel):
    """How the rows of an export are asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: PromptTemplate = TEMPLATES["plain"]
    """The system prompt and the instruction that go with every question."""
    boxes: Frame = "pixels"
    """The frame of boxes and points."""
    max_pixels: int = Field(default=MAX_PIXELS, ge=1)
    """Of `resized`: the limit that the processor resizes to."""


def exported_rows(folder: Path, split: str, asking: Asking) -> Iterator[Row]:
    """Give the rows of a version. Raises WrongUse for one that cannot be put in this frame."""
    for row, sample in each_sample(folder):
        media = shown_media(sample, media_reader([sample]))
        size = _size(sample, media, asking, row["position"])
        note = "" if size is None else instruction(asking.boxes, size, asking.max_pixels)
        answer = sample.answer
        if size is not None:
            answer = framed(answer, asking.boxes, size, asking.max_pixels)
        yield Row(
            position=row["position"],
            stage=row["stage"],
            padded=row["padded"],
            pass_rate=row["pass_rate"],
            split=split,
            sample=sample,
            prompt=_asked(sample, asking.template, note),
            answer=answer,
            media=media,
        )


def _size(
    sample: Sample, media: tuple[Shown, ...], asking: Asking, position: int
) -> tuple[int, int] | None:
    """Find the picture that an answer's coordinates lie in; None where nothing is to be moved."""
    if asking.boxes == "pixels" or sample.answer.kind not in COORDINATES:
        return None
    sizes = {medium.size for medium in media if medium.size is not None}
    if len(sizes) != 1:
        raise WrongUse(
            f"position {position} (sample {sample.sample_id}) has {len(media)} pictures of "
            f"{len(sizes)} sizes, so its coordinates have no frame but pixels; use --boxes pixels"
        )
    return sizes.pop()


def _asked(sample: Sample, template: PromptTemplate, note: str) -> tuple[Message, ...]:
    prompt = [
        Message(m.role, tuple(replace(b, text=escaped(b.text)) for b in m.content))
        for m in sample.prompt
    ]
    if template.system and not any(m.role == "system" for m in prompt):
        prompt.insert(0, Message("system", (Block("text", template.system),)))
    for line in filter(None, (note, template.instruction)):
        last = prompt[-1]
        prompt[-1] = Message(last.role, (*last.content, Block("text", f"\n{line}")))
    return tuple(prompt)
