"""Rows as the trainer's own loader gets them: nothing is mended on the way, NaN stays NaN."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.curation.formats.row import MEDIA, ORIGINALS
from pipelines.curation.handoff.finding import Fault
from pipelines.workspace import WrongUse

ENDINGS = (".parquet", ".jsonl", ".json")
NOT_ROWS = frozenset({"dataset_info.json", "grader.json", "curricle-export.json"})
BATCH = 100
MISSING = object()
"""Stands for a column that a row does not have."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of a file."""

    path: Path
    number: int
    fields: Mapping[str, Any]
    pictures: frozenset[str]
    """Columns that `datasets` decodes to pictures."""

    def get(self, name: str) -> Any:
        """Give the field that a dotted name leads to; MISSING where there is none."""
        value: Any = self.fields
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return MISSING
            value = value[part]
        return value

    @property
    def sample_id(self) -> str:
        """The sample's name, where the row has one."""
        names = (self.get("sample_id"), self.get("extra_info.sample_id"))
        return next((name for name in names if isinstance(name, str)), "")


def files_of(path: Path) -> list[Path]:
    """Find the files of rows. Raises WrongUse where there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise WrongUse(f"{path} is neither a file of rows nor a folder, nor a dataset")
    inner = (MEDIA, ORIGINALS)
    found = sorted(
        one
        for one in path.rglob("*")
        if one.suffix in ENDINGS
        and one.name not in NOT_ROWS
        and not set(one.relative_to(path).parts[:-1]) & {*inner}
    )
    if not found:
        raise WrongUse(f"{path} holds no file of rows ({', '.join(ENDINGS)})")
    return found


def raw_rows(path: Path) -> Iterator[RawRow | tuple[int, Fault]]:
    """Give the rows of a file; where one cannot be read, its number and why."""
    try:
        yield from _parquet(path) if path.suffix == ".parquet" else _json(path)
    except (OSError, pa.ArrowException) as error:
        yield 0, Fault("unreadable_file", "crash", str(error)[:200])


def _parquet(path: Path) -> Iterator[RawRow]:
    with pq.ParquetFile(path) as file:
        pictures = frozenset(_pictures(file.schema_arrow))
        number = 0
        for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
            for fields in batch.to_pylist():
                number += 1
                yield RawRow(path, number, fields, pictures)


def _json(path: Path) -> Iterator[RawRow | tuple[int, Fault]]:
    with path.open("rb") as file:
        listed = file.read(1) == b"["
        file.seek(0)
        if listed:
            yield from _listed(path, file.read())
            return
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _line(path, number, line)


def _listed(path: Path, data: bytes) -> Iterator[RawRow | tuple[int, Fault]]:
    try:
        rows = json.loads(data)
    except ValueError as error:
        yield 0, Fault("unreadable_file", "crash", str(error)[:200])
        return
    for number, fields in enumerate(rows, start=1):
        yield _row(path, number, fields)


def _line(path: Path, number: int, line: bytes) -> RawRow | tuple[int, Fault]:
    try:
        return _row(path, number, json.loads(line))
    except (ValueError, RecursionError) as error:
        return number, Fault("unreadable_row", "crash", str(error)[:200])


def _row(path: Path, number: int, fields: Any) -> RawRow | tuple[int, Fault]:
    if not isinstance(fields, dict):
        return number, Fault("unreadable_row", "crash", f"{type(fields).__name__}, not an object")
    return RawRow(path, number, fields, frozenset())


def _pictures(schema: pa.Schema) -> Iterator[str]:
    """Name the columns that carry the mark of `datasets` for pictures."""
    said = (schema.metadata or {}).get(b"huggingface")
    if said is None:
        return
    features = json.loads(said).get("info", {}).get("features", {})
    for name, feature in features.items():
        if '"_type": "Image"' in json.dumps(feature):
            yield name
