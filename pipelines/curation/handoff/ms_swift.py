"""ms-swift: `AutoPreprocessor` of swift/llm/dataset/preprocessor/core.py, and its default tags."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.raw import MISSING, RawRow
from pipelines.curation.handoff.rules import roles, shared, tag_counts
from pipelines.curation.handoff.trainer import Trainer, Whole, is_absent, media_of

MESSAGES = ("messages", "conversation", "conversations")
QUERIES = ("query", "prompt", "input", "instruction", "question", "problem")


def _prompt(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    if any(row.get(name) is not MISSING for name in MESSAGES):
        messages = next(row.get(name) for name in MESSAGES if row.get(name) is not MISSING)
        if not isinstance(messages, list) or not messages:
            yield Fault("no_prompt", "crash", "no messages")
        return
    if all(row.get(name) is MISSING for name in QUERIES):
        yield Fault("no_prompt", "crash", "no messages and no query")
        return
    taken = [
        name
        for name in ("answer", "target", "solution", "response")
        if row.get(name) is not MISSING
    ]
    if taken:
        yield Fault(
            "gold_as_answer",
            "misread",
            f"without messages, {taken[0]} is taken for the assistant's turn",
        )
    else:
        yield Fault("row_dropped", "crash", "no messages and no response: the row is dropped")


def _gold_name(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    others = [name for name in ("answer", "target", "label") if isinstance(row.get(name), str)]
    if row.get("solution") is MISSING and others:
        yield Fault(
            "misnamed_gold", "misread", f"gold is in {others[0]}; its rewards read solution"
        )


def _places(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    # Missing tags are put to the front; tags without a medium stay as words.
    yield from tag_counts(row, TRAINER, more_is="misread", fewer_is="")


def _entries(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    for column, values in media_of(row, TRAINER).items():
        forms = {
            "bytes" if isinstance(v, Mapping) and v.get("bytes") else type(v).__name__
            for v in values
        }
        if len(forms) > 1:
            yield Fault("mixed_forms", "crash", f"{column} mixes {' and '.join(sorted(forms))}")


def _objects(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    objects = row.get("objects")
    if objects is MISSING or is_absent(objects) or not isinstance(objects, Mapping):
        return
    if objects.get("bbox") and objects.get("bbox_type") not in ("real", "norm1", "norm1000"):
        yield Fault(
            "unknown_frame",
            "misread",
            f"bbox_type {objects.get('bbox_type')!r} does not say what the coordinates are in",
        )


_BARE = Trainer(
    name="ms-swift",
    prompt="messages",
    media={"images": "image", "videos": "video", "audios": "audio"},
    gold="solution",
    rules=(),
    relative_paths=True,
    notes=(
        "dataset_shuffle and train_dataloader_shuffle are true by default and destroy the order; "
        "set both to false",
        "the last incomplete generation batch is dropped; let its prompts divide the rows",
    ),
)
TRAINER = replace(
    _BARE,
    rules=(
        *(_prompt, _gold_name, _places, _entries, _objects, roles("messages")),
        *shared(_BARE),
    ),
)
