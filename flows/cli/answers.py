"""How the answer of a query is written: batch by batch, so that it may be larger than memory."""

import json
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pipelines.record.writing import writing
from pipelines.workspace import WrongUse

if TYPE_CHECKING:
    import pyarrow as pa


def rows_of(batches: "pa.RecordBatchReader") -> Iterator[tuple[Any, ...]]:
    """Give rows, also where two columns have one name."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def write_csv(batches: "pa.RecordBatchReader", file: TextIO) -> None:
    """Write a line for each row. NULL is nothing between commas, an empty text is two quotes."""
    for row in [batches.schema.names], rows_of(batches):
        for cells in row:
            file.write(",".join(map(_csv, cells)) + "\n")


def write_json(batches: "pa.RecordBatchReader", file: TextIO) -> None:
    """Write a list with an object for each row."""
    names = distinct(batches.schema.names)
    before = "[\n"
    for row in rows_of(batches):
        shown = json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False)
        file.write(f"{before}  {shown}")
        before = ",\n"
    file.write("[]\n" if before == "[\n" else "\n]\n")


def write_parquet(batches: "pa.RecordBatchReader", path: Path) -> None:
    """Write a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = zip(distinct(batches.schema.names), batches.schema.types, strict=True)
    schema = pa.schema(list(columns))
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))


def distinct(names: Sequence[str]) -> list[str]:
    """Name columns apart: a second `n` is `n_1`."""
    found: list[str] = []
    for name in names:
        other, count = name, 0
        while other in found:
            count += 1
            other = f"{name}_{count}"
        found.append(other)
    return found


@contextmanager
def landing(path: Path) -> Iterator[Path]:
    """Give a place to write at, and move what is there to `path` once it is whole."""
    if path.is_dir():
        raise WrongUse(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise WrongUse(f"there is no folder {path.parent}")
    partial = path.with_name(f".tmp-{uuid.uuid4().hex}")
    try:
        with writing(path):
            yield partial
            _to_disk(partial)
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _csv(value: object) -> str:
    if value is None:
        return ""
    plain = _plain(value)
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    if not text or any(sign in text for sign in ',"\n\r') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def _plain(value: Any) -> Any:
    """Give what JSON can say: bytes as hexadecimal digits, no number that is none."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, date | time | timedelta):  # a datetime is a date
        return str(value)
    return str(value)


WRITERS = {"csv": write_csv, "json": write_json}
