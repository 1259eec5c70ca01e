"""Rules that several trainers share, each over one row of a file."""

import re
from collections.abc import Iterator, Mapping

from pipelines.curation.formats.wording import unboxed
from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.media import medium_faults
from pipelines.curation.handoff.raw import MISSING, RawRow
from pipelines.curation.handoff.trainer import Rule, Trainer, Whole, is_absent, media_of, texts_of

_SPECIAL = re.compile(
    r"<\|(?:(?:image|video|audio)_pad|vision_(?:start|end|pad)|audio_(?:start|end)|im_(?:start|end))\|>"
)
ROLES = frozenset({"system", "user", "assistant", "tool"})


def shared(trainer: Trainer) -> tuple[Rule, ...]:
    """Give the rules that hold for any trainer's columns."""

    def special_tokens(row: RawRow, _whole: Whole) -> Iterator[Fault]:
        for text in texts_of(row.get(trainer.prompt)):
            for token in sorted(set(_SPECIAL.findall(text))):
                yield Fault(
                    "special_token", "crash", f"the text says {token}, a place without a medium"
                )

    def columns(row: RawRow, whole: Whole) -> Iterator[Fault]:
        for column in sorted(whole.columns):
            value = row.get(column)
            if isinstance(value, float):
                yield Fault("nan_media", "crash", f"{column} is NaN; write []")
            elif value is None or value is MISSING:
                said = "null" if value is None else "missing"
                yield Fault(
                    "null_media", "crash", f"{column} is {said} where other rows have it; write []"
                )

    def files(row: RawRow, whole: Whole) -> Iterator[Fault]:
        for column, values in media_of(row, trainer).items():
            for value in values:
                yield from medium_faults(value, trainer.media[column], whole.folder)
                path = (
                    value.get("path") or value.get("image") if isinstance(value, Mapping) else value
                )
                if (
                    not trainer.relative_paths
                    and isinstance(path, str)
                    and len(path) < 200
                    and not path.startswith(("/", "file://", "http", "data:"))
                ):
                    yield Fault(
                        "relative_path",
                        "misread",
                        f"{path} is looked for where {trainer.name} is started; write it in full",
                    )

    def gold(row: RawRow, _whole: Whole) -> Iterator[Fault]:
        value = row.get(trainer.gold)
        if value is MISSING or is_absent(value) or value == "":
            yield Fault("no_gold", "crash", f"nothing in {trainer.gold}")
        elif not isinstance(value, str):
            yield Fault(
                "gold_not_text", "crash", f"{trainer.gold} is {type(value).__name__}; write a text"
            )

    return special_tokens, columns, files, gold


def roles(column: str) -> Rule:
    """Hold messages against the roles that chat templates know."""

    def rule(row: RawRow, _whole: Whole) -> Iterator[Fault]:
        prompt = row.get(column)
        if not isinstance(prompt, list) or not prompt:
            return
        for message in prompt:
            role = message.get("role") if isinstance(message, Mapping) else None
            if role not in ROLES:
                yield Fault("bad_role", "crash", f"a message has the role {role!r}")

    return rule


def tag_counts(row: RawRow, trainer: Trainer, *, more_is: str, fewer_is: str) -> Iterator[Fault]:
    """Hold the tags of a prompt against its media, kind by kind.

    Args:
        more_is: what comes of more tags than media: `crash` or `misread`.
        fewer_is: what comes of fewer; empty where the trainer puts the others to the front.
    """
    text = "\n".join(texts_of(row.get(trainer.prompt)))
    media = media_of(row, trainer)
    for column, kind in trainer.media.items():
        tags, given = text.count(f"<{kind}>"), len(media.get(column, ()))
        outcome = more_is if tags > given else fewer_is if tags < given else ""
        if outcome and given == 0:
            # With no medium beside it, a tag is what a person wrote.
            yield Fault(
                "literal_tag",
                "crash" if outcome == "crash" else "misread",
                f"the text says <{kind}>, and the row has none",
            )
        elif outcome:
            yield Fault(
                "placeholder_count",
                "crash" if outcome == "crash" else "misread",
                f"{tags} <{kind}> for {given} in {column}",
            )


def wrapped_gold(column: str) -> Rule:
    """Find gold that is compared as it stands, and stands in `\\boxed{}` or `<answer>`."""

    def rule(row: RawRow, _whole: Whole) -> Iterator[Fault]:
        value = row.get(column)
        if isinstance(value, str) and unboxed(value) != value.strip():
            yield Fault(
                "wrapped_gold",
                "misread",
                f"{value[:80]!r} is compared as it stands; write {unboxed(value)[:80]!r}",
            )

    return rule
