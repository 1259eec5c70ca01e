"""A sample as one JSON text that travels beside somebody else's row, and back.

Formats of other trainers keep less of a sample than it has. What they cannot say stands in this
text, so that an exported set can be read back as the very samples that it was made from.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipelines.record.canonical import canonical_json
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, prompt_from_json

COLUMN = "curricle"
"""What the text is called in a row."""
FORMAT = 1


def to_text(sample: Sample) -> str:
    """Write all of a sample but the bytes of its media."""
    return canonical_json(
        {
            "format": FORMAT,
            "sample_id": sample.sample_id,
            "prompt": [message.as_json() for message in sample.prompt],
            "answer": sample.answer.as_json(),
            "media": [{"id": medium.media_id, "kind": medium.kind} for medium in sample.media],
            "task": sample.task,
            "tags": sample.tags,
            "split": sample.split,
            "licence": sample.licence,
            "parent": sample.parent,
            "history": list(sample.history),
            "recipe": sample.recipe,
            "steps": sample.steps,
        }
    )


def parse(text: str) -> dict[str, Any]:
    """Read the text without its media. Raises ValueError for what is none, or of a later form."""
    said = json.loads(text)
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ValueError(f"not a sample of form {FORMAT}: {text[:80]!r}")
    return said


def of_text(
    said: Mapping[str, Any], media: Sequence[Media], *, corpus: str, source_ref: str
) -> Sample:
    """Make the sample that a parsed text says, with its media.

    Where the media are not those it was written with, because only what a view shows was kept, it
    is a sibling of its parent instead of a view. Raises ValueError, KeyError, TypeError or
    AttributeError for a text that says no sample, or another than it names.
    """
    sample = Sample(
        prompt=prompt_from_json(said["prompt"]),
        answer=Answer.from_json(said["answer"]),
        media=tuple(media),
        task=said["task"],
        tags=tuple(said["tags"]),
        corpus=corpus,
        source_ref=source_ref,
        split=said["split"],
        licence=said["licence"],
        parent=said["parent"],
        history=tuple(said["history"]),
        recipe=said["recipe"],
        steps=tuple(said["steps"]),
    )
    name = sample.sample_id  # what has no canonical form fails here, and not later
    if [medium.media_id for medium in media] != [medium["id"] for medium in said["media"]]:
        return replace(sample, history=(), recipe="")
    if name != said["sample_id"]:
        raise ValueError(f"it is not sample {said['sample_id']}: its content has changed")
    return sample
