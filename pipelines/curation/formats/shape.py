"""What a trainer's format is: what it can hold, how a row looks, and what keeps the order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipelines.curation.formats.row import Layout, MediaForm, Row
from pipelines.record.media import MediaKind

if TYPE_CHECKING:
    import pyarrow as pa

Files = Mapping[str, str]
"""File names of an export by split."""


def nothing_beside(_files: Files, _layout: Layout) -> dict[str, str]:
    """Most formats need no file but their rows."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one trainer takes its rows."""

    name: str
    """As it is chosen."""
    title: str
    ending: Literal["parquet", "jsonl"]
    kinds: frozenset[MediaKind]
    """Media that it has columns for."""
    forms: tuple[MediaForm, ...]
    """How media may travel; the first is the default."""
    record: Callable[[Row, Layout], dict[str, Any]]
    """One row."""
    schema: "Callable[[Layout], pa.Schema] | None" = None
    """Of Parquet files."""
    use: str
    """How to train on the files, and which options keep the order; Markdown, `{train}` and `{at}`
    stand for the file and its folder."""
    beside: Callable[[Files, Layout], dict[str, str]] = nothing_beside
    """Files that stand beside the rows, by name."""
    most_media: int | None = None
    """Media that one row may have."""
    held_out: bool = False
    """Whether it is no set without a validation file."""
