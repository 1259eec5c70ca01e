"""What a trainer's loader is, to whoever checks a hand-off: its columns and its rules."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.raw import MISSING, RawRow


@dataclass(frozen=True, slots=True)
class Whole:
    """What holds for all rows of a file."""

    columns: frozenset[str]
    """Columns of media that any row has."""
    filled: frozenset[str]
    """Columns of media that hold any."""
    folder: Path
    rewarded: bool
    """Whether a reward function of ours stands beside the rows."""


Rule = Callable[[RawRow, Whole], Iterator[Fault]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """How one trainer reads a row."""

    name: str
    prompt: str
    """Column of the prompt."""
    media: Mapping[str, str]
    """Kinds of media by the columns that hold them."""
    gold: str
    rules: tuple[Rule, ...]
    relative_paths: bool
    """Whether an option says where relative paths start."""
    one_class: bool = False
    """Whether a batch must be all with pictures or all without."""
    longest_prompt: int | None = None
    """Tokens that a prompt may have by default; None for what the model takes."""
    notes: tuple[str, ...]


def media_of(row: RawRow, trainer: Trainer) -> dict[str, list[Any]]:
    """Give the media of a row by column; one that is no list is a list of one."""
    found: dict[str, list[Any]] = {}
    for column in trainer.media:
        value = row.get(column)
        if value is MISSING or is_absent(value):
            continue
        found[column] = list(value) if isinstance(value, list | tuple) else [value]
    return found


def is_absent(value: Any) -> bool:
    """Whether a column holds None or NaN, as pandas writes what is missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def texts_of(prompt: Any) -> Iterator[str]:
    """Give every text of a prompt, whatever its form."""
    if isinstance(prompt, str):
        yield prompt
    elif isinstance(prompt, list):
        for message in prompt:
            said = (
                message.get("content", message.get("value"))
                if isinstance(message, Mapping)
                else None
            )
            if isinstance(said, str):
                yield said
            elif isinstance(said, list):
                yield from (str(b.get("text") or "") for b in said if isinstance(b, Mapping))
