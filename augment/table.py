"""The label table: which transform leaves which kind of answer true, one row a transform.

The rows are TOML files beside this one (`rulings/*.toml`), to be read by people. The rules and
their bounds follow what published augmentation for reinforcement learning found to be safe
(NoisyRollout, arXiv 2504.13055) and common practice in speech training; bounds are tighter where a
sample does not record what they hang on, such as the height of its text.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from augment.errors import AugmentError
from augment.ruling import Ruling, forbid, remap, safe
from augment.transform import Medium
from augment.transforms import find

Table: TypeAlias = Mapping[str, Mapping[str, Ruling]]
"""Transform -> tag -> ruling."""

_SEEN = (
    *("ocr", "chart", "has_text", "math_diagram", "shape", "direction", "sides", "counting"),
    *("colour", "grounding", "gui", "natural"),
)
_HEARD = ("speech", "events", "speaker", "pitch", "tempo", "localisation", "timestamp")

TAGS: Mapping[str, tuple[str, ...]] = {
    "image": _SEEN,
    "video": (*_SEEN, "action", "order", "brief", "timestamp"),
    "audio": _HEARD,
    "text": ("arithmetic", "language", "code"),
}
"""What the answer of a sample may hang on, by its medium."""

COLUMNS: Mapping[Medium, tuple[str, ...]] = {
    # Frames are pictures, so what is done to pictures is ruled on for videos too.
    "image": TAGS["video"],
    "video": TAGS["video"],
    "audio": TAGS["audio"],
    # Whatever is shown, it is asked about in words.
    "text": tuple(dict.fromkeys(tag for tags in TAGS.values() for tag in tags)),
}
"""The tags that a transform of a medium is ruled on for."""

EVERY = "every"
_OUTCOMES = {"safe": safe, "remap": remap}
_FOLDER = Path(__file__).parent / "rulings"


def read_table(path: Path) -> Table:
    """Read rows of a table from a TOML file.

    Raises AugmentError, naming file and key, for an unknown transform or tag, or for limits that
    the transform does not take.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AugmentError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AugmentError(f"{path} is not TOML: {error}") from None
    try:
        return {name: _row(name, row) for name, row in data.items()}
    except AugmentError as error:
        raise AugmentError(f"{path}: {error}") from None


def overridden(rows: Table) -> Table:
    """Return the built-in table with these cells in the place of its own."""
    return {**TABLE, **{name: {**TABLE.get(name, {}), **row} for name, row in rows.items()}}


def _row(name: str, row: Any) -> Mapping[str, Ruling]:
    """Read one transform's row; `every` fills the columns that are not named."""
    columns = COLUMNS[find(name).medium]
    if not isinstance(row, Mapping):
        raise AugmentError(f"[{name}] is a table of rulings by tag, not {row!r}")
    rest = {EVERY: columns}
    out: dict[str, Ruling] = {}
    for key in sorted(row, key=lambda key: key != EVERY):
        ruling = _ruling(f"[{name}] {key!r}", name, row[key])
        for tag in rest.get(key) or re.split(r"\s*,\s*", key):
            if tag not in columns:
                raise AugmentError(
                    f"[{name}] knows no tag {tag!r}; known are {', '.join(columns)} and {EVERY}"
                )
            out[tag] = ruling
    return {tag: out[tag] for tag in columns if tag in out}


def _ruling(where: str, name: str, cell: Any) -> Ruling:
    """Read one cell: its outcome with the reason, and the limits."""
    given = dict(cell) if isinstance(cell, Mapping) else {}
    outcomes = [key for key in (*_OUTCOMES, "forbid") if key in given]
    if len(outcomes) != 1 or not isinstance(given[outcomes[0]], str):
        raise AugmentError(f"{where} says one of safe, remap and forbid with a reason: {cell!r}")
    (outcome,) = outcomes
    reason = given.pop(outcome)
    limits = {key: _limits(where, name, key, value) for key, value in given.items()}
    if outcome != "forbid":
        return _OUTCOMES[outcome](reason, **limits)
    if limits:
        raise AugmentError(f"{where} forbids, so it has no limits")
    return forbid(reason)


def _limits(where: str, name: str, key: str, value: Any) -> tuple[int, int]:
    bounds = find(name).bounds
    if key not in bounds:
        raise AugmentError(f"{where}: {name!r} takes {', '.join(bounds) or 'nothing'}, not {key!r}")
    lowest, highest = bounds[key]
    if not (isinstance(value, list) and [type(item) for item in value] == [int, int]):
        raise AugmentError(f"{where}: {key} is [lowest, highest], not {value!r}")
    low, high = value
    if not lowest <= low <= high <= highest:
        raise AugmentError(f"{where}: {key} lies within {lowest} to {highest}, not {low} to {high}")
    return low, high


TABLE: Table = {
    name: row for path in sorted(_FOLDER.glob("*.toml")) for name, row in read_table(path).items()
}
