"""Rows of Parquet, of Arrow files and streams, and of folders that `datasets` saved.

A few rows are in memory at a time. Everything is checked before it is looked into, because
offsets in a hostile file point anywhere. Nothing is unpickled and no code of a corpus is run.
"""

import datetime
import decimal
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.corpora.reading import BadRecord, Fields

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 100
"""Rows that are turned into plain data together."""
LARGEST_NOTE = 2**24
"""Bytes of the JSON files with which `datasets` describes a folder."""


def parquet_rows(path: Path) -> Iterator[Fields]:
    """Give the rows of a Parquet file. Raises BadRecord where it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            classes = _classes(file.schema_arrow)
            for batch in file.iter_batches(batch_size=AT_ONCE):
                yield from _rows(batch, classes)
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise BadRecord("damaged_file", f"{path.name}: {error}"[:200]) from error


def arrow_rows(path: Path) -> Iterator[Fields]:
    """Give the rows of an Arrow file (Feather) or stream. Raises BadRecord where it is damaged."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as source:
            for batch, classes in _batches(source):
                for start in range(0, batch.num_rows, AT_ONCE):
                    yield from _rows(batch.slice(start, AT_ONCE), classes)
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise BadRecord("damaged_file", f"{path.name}: {error}"[:200]) from error


def saved_files(folder: Path) -> list[tuple[str, Path]]:
    """List the Arrow files of a saved dataset, each with its split ("" where there is one only).

    Raises BadRecord for a folder whose own description is broken or leads out of it.
    """
    splits = {"": folder}
    if (folder / "dataset_dict.json").is_file():
        names = _listed(folder / "dataset_dict.json", "splits")
        splits = {name: folder / name for name in names if isinstance(name, str)}
    return [
        (split, _inside(folder, place, item))
        for split, place in splits.items()
        for item in _listed(place / "state.json", "_data_files")
    ]


def is_saved_dataset(folder: Path) -> bool:
    """Tell whether `datasets` saved a dataset, or several splits of one, in a folder."""
    return (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file()


def _batches(source: Any) -> "Iterator[tuple[pa.RecordBatch, dict[str, list[str]]]]":
    import pyarrow as pa

    is_file = source.read(6) == b"ARROW1"
    source.seek(0)
    if is_file:
        file = pa.ipc.open_file(source)
        classes = _classes(file.schema)
        for i in range(file.num_record_batches):
            yield file.get_batch(i), classes
        return
    stream = pa.ipc.open_stream(source)
    classes = _classes(stream.schema)
    for batch in stream:
        yield batch, classes


def _rows(batch: "pa.RecordBatch", classes: dict[str, list[str]]) -> Iterator[Fields]:
    batch.validate(full=True)
    for row in batch.to_pylist(maps_as_pydicts="lossy"):
        fields = {name: _plain(value) for name, value in row.items()}
        for name, names in classes.items():
            if isinstance(code := fields.get(name), int) and 0 <= code < len(names):
                fields[name] = names[code]
        yield fields


def _plain(value: Any) -> Any:
    """Give what JSON could hold, and bytes: no NaN, no times and decimals but as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.date | datetime.time | datetime.timedelta | decimal.Decimal):
        return str(value)
    return value


def _classes(schema: "pa.Schema") -> dict[str, list[str]]:
    """Find the columns whose numbers stand for names, as `datasets` notes them in the schema."""
    try:
        noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = noted.get("info", {}).get("features", {})
        return {
            name: [str(label) for label in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return {}


def _inside(folder: Path, place: Path, item: Any) -> Path:
    name = item.get("filename") if isinstance(item, dict) else None
    if not isinstance(name, str) or "\0" in name:
        raise BadRecord("damaged_file", f"state.json names no file: {item!r}"[:200])
    path = place / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadRecord("outside_corpus", f"{name[:80]!r} leads out of the folder")
    return path


def _listed(path: Path, name: str) -> list[Any]:
    found = _note(path).get(name)
    if not isinstance(found, list):
        raise BadRecord("damaged_file", f"{path.name} has no list of {name}")
    return found


def _note(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_NOTE:
            raise BadRecord("file_too_large", path.name)
        noted = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BadRecord):
            raise
        raise BadRecord("damaged_file", f"{path.name}: {error}"[:200]) from error
    if not isinstance(noted, dict):
        raise BadRecord("damaged_file", f"{path.name} is no JSON object")
    return noted
