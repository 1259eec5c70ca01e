"""Rows of a file, whatever table it holds: JSON, JSON Lines, CSV, Parquet, Arrow, a saved dataset.

A row travels as it lies in the file and is looked into where its sample is made. One bad row
never stops the others; what ends a file early is one reject of the file, after its good rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pipelines.corpora.arrow_tables import arrow_rows, is_saved_dataset, parquet_rows, saved_files
from pipelines.corpora.chunks import CHUNK, chunks
from pipelines.corpora.csv_tables import csv_rows
from pipelines.corpora.json_tables import json_rows, line_rows, looks_like_lines
from pipelines.corpora.reading import LONGEST_LINE, BadRecord, Fields, Pending, parse
from pipelines.record.sample import Sample
from pipelines.record.steps import Record

Form = Literal["json", "jsonl", "csv", "tsv", "parquet", "arrow", "saved"]
"""How a table is written; `saved` is a folder that `datasets` saved."""

SUFFIXES: dict[str, Form] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
CODE = (".pkl", ".pickle", ".pt", ".pth", ".joblib", ".npy", ".npz", ".py")
"""Files that may run code when they are opened, so that they never are."""

_READ: dict[Form, Callable[[Iterator[bytes]], Iterator[tuple[int, Any]]]] = {
    "json": json_rows,
    "jsonl": line_rows,
    "csv": csv_rows,
    "tsv": partial(csv_rows, separator="\t"),
}
_TEXT_START = b" \t\r\n[{\xef"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a row has no fields."""

    reason: str
    detail: str = ""


Row = bytes | Fields | Unreadable
"""A line of JSON that is still to be parsed, the fields of a row, or why there are none."""


def rows(path: Path, form: Form | None = None) -> Iterator[tuple[int, Row]]:
    """Give the rows of a file or a saved folder, numbered from one; 0 stands for the file itself.

    JSON Lines and CSV are numbered by line, the header included. The form is told by looking where
    none is given. `fields_of` gives the fields of a row. ClassLabel columns come as their names,
    pictures and clips of `datasets` as `{"bytes", "path"}`, NaN as None.
    """
    try:
        yield from _rows(path, form or form_of(path))
    except BadRecord as error:
        yield 0, Unreadable(error.reason, error.detail)


def fields_of(row: Row) -> Fields:
    """Give the fields of a row. Raises BadRecord where there are none."""
    if isinstance(row, Unreadable):
        raise BadRecord(row.reason, row.detail)
    return parse(row) if isinstance(row, bytes) else row


def read_rows(
    corpus: str,
    path: Path,
    ref: str,
    make: Callable[[str, Fields], Sample | list[Record]],
    form: Form | None = None,
) -> Iterator[Pending]:
    """Give the rows of a table; `make` is called with `ref:number` and the fields of each."""
    for number, row in rows(path, form):
        row_ref = f"{ref}:{number}" if number else ref
        yield Pending(corpus, row_ref, _of_row, (make, row_ref, row))


def _of_row(
    make: Callable[[str, Fields], Sample | list[Record]], ref: str, row: Row
) -> Sample | list[Record]:
    return make(ref, fields_of(row))


def form_of(path: Path) -> Form:
    """Tell how a table is written, by its first bytes and then by its name.

    Raises BadRecord for a file that is no table, or that could run code when it is opened.
    """
    if path.is_dir():
        if is_saved_dataset(path):
            return "saved"
        raise BadRecord("not_a_table", f"{path.name} is a folder that `datasets` did not save")
    if path.suffix.lower() in CODE:
        raise _runs_code(path)
    start, whole = _start(path)
    if not start:
        raise BadRecord("empty_file", path.name)
    return _form_by_start(path, start, whole=whole)


def _form_by_start(path: Path, start: bytes, *, whole: bool) -> Form:
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        raise _runs_code(path)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadRecord("not_utf8", f"{path.name} is UTF-16; save it as UTF-8")
    if start[:1] not in _TEXT_START and start.count(b"\0") > len(start) // 100:
        raise BadRecord("not_a_table", f"{path.name} is neither text nor a table that is known")
    named = SUFFIXES.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    if named in ("csv", "tsv", "jsonl"):
        return named
    if named in ("parquet", "arrow"):
        raise BadRecord("damaged_file", f"{path.name} does not start as {named} does")
    text = start.lstrip()
    if text[:1] == b"[":
        return "json"
    if text[:1] == b"{" or named == "json":
        return "jsonl" if looks_like_lines(start, whole=whole) else "json"
    raise BadRecord("not_a_table", f"{path.name} is no table that is known; name its format")


def _rows(path: Path, form: Form) -> Iterator[tuple[int, Row]]:
    if form == "parquet":
        yield from enumerate(parquet_rows(path), start=1)
    elif form == "arrow":
        yield from enumerate(arrow_rows(path), start=1)
    elif form == "saved":
        yield from enumerate(_saved_rows(path), start=1)
    else:
        yield from _text_rows(path, form)


def _text_rows(path: Path, form: Form) -> Iterator[tuple[int, Row]]:
    for number, row in _READ[form](chunks(path)):
        if row is None:
            yield number, Unreadable("line_too_long", f"over {LONGEST_LINE} bytes")
        elif isinstance(row, BadRecord):
            yield number, Unreadable(row.reason, row.detail)
        else:
            yield number, row


def _saved_rows(folder: Path) -> Iterator[Fields]:
    """Give the rows of every split, with its name as `_key` where there are several."""
    for split, path in saved_files(folder):
        for fields in arrow_rows(path):
            yield {"_key": split, **fields} if split else fields


def _start(path: Path) -> tuple[bytes, bool]:
    """Give the first bytes of a file as they are unpacked, and whether there are no others."""
    start = b""
    try:
        for chunk in chunks(path):
            if len(start) >= CHUNK:
                return start, False
            start += chunk
    except BadRecord:
        if not start:
            raise
    return start, True


def _runs_code(path: Path) -> BadRecord:
    return BadRecord(
        "runs_code",
        f"{path.name} could run code when it is opened, so it is not; "
        "save the data as Parquet or JSON Lines",
    )
