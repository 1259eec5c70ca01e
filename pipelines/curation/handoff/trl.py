"""TRL 1.16's GRPOTrainer: `prepare_multimodal_messages`, `RepeatSampler`, `accuracy_reward`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.raw import MISSING, RawRow
from pipelines.curation.handoff.rules import roles, shared
from pipelines.curation.handoff.trainer import Trainer, Whole, media_of, texts_of
from pipelines.worker import NoAnswer, Pool

PARSER = Pool("pipelines.curation.handoff.gold_worker")
SECONDS = 10.0
"""As TRL lets math_verify think at most."""
CHECKED = frozenset({"number", "math", "choice"})
"""Kinds of answers that math_verify can grade; of a row that names another, it is not asked."""


def _prompt(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    prompt = row.get("prompt")
    if prompt is MISSING or not prompt or not isinstance(prompt, str | list):
        yield Fault("no_prompt", "crash", "no prompt")
    elif isinstance(prompt, str) and any(media_of(row, TRAINER).values()):
        yield Fault(
            "string_prompt", "crash", "a text with pictures; write messages, which TRL asks for"
        )


def _places(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    prompt = row.get("prompt")
    images = sum(len(values) for values in media_of(row, TRAINER).values())
    if isinstance(prompt, list):
        contents = [m.get("content") for m in prompt if isinstance(m, Mapping)]
        blocks = [b for c in contents if isinstance(c, list) for b in c if isinstance(b, Mapping)]
        places = sum(block.get("type") == "image" for block in blocks)
        in_words = any(
            isinstance(m.get("content"), str) and m.get("role") == "user"
            for m in prompt
            if isinstance(m, Mapping)
        )
        # A first question in words gets all pictures put before it.
        if places != images and not (in_words and not places):
            yield Fault("placeholder_count", "crash", f"{places} image blocks for {images} images")
    for text in texts_of(prompt):
        for tag in ("<image>", "<video>", "<audio>"):
            if tag in text:
                yield Fault("literal_tag", "misread", f"{tag} stays in the text as words")


def _columns(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    for column in ("videos", "audios", "audio", "video"):
        if row.get(column) not in (MISSING, None, []):
            yield Fault("lost_media", "misread", f"{column} is silently left out")


def _undecoded(row: RawRow, whole: Whole) -> Iterator[Fault]:
    for column, values in media_of(row, TRAINER).items():
        if values and column not in row.pictures and column in whole.filled:
            yield Fault(
                "undecoded_media",
                "crash",
                f"{column} holds {type(values[0]).__name__}, which `datasets` is not told to decode; "
                f"use cast_column({column!r}, List(Image()))",
            )


def _gradable(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    gold, kind = row.get("solution"), row.get("answer_kind")
    asked = kind in CHECKED or not isinstance(kind, str)
    if isinstance(gold, str) and gold and asked and not _is_parsed(gold):
        yield Fault(
            "unparsable_gold",
            "misread",
            f"accuracy_reward cannot parse {gold[:80]!r} and skips the row",
        )


@lru_cache(maxsize=100_000)
def _is_parsed(gold: str) -> bool:
    try:
        return bool(PARSER.ask(gold, SECONDS))
    except NoAnswer:
        return False


_BARE = Trainer(
    name="trl",
    prompt="prompt",
    media={"images": "image", "image": "image"},
    gold="solution",
    rules=(),
    relative_paths=False,
    one_class=True,
    notes=(
        "shuffle_dataset is True by default and destroys the order; set shuffle_dataset=False",
        "the last incomplete generation batch is dropped; let generation_batch_size / "
        "num_generations divide the rows",
    ),
)
TRAINER = replace(
    _BARE,
    rules=(_prompt, _places, _columns, _undecoded, _gradable, roles("prompt"), *shared(_BARE)),
)
