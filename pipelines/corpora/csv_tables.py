"""Rows of CSV and TSV, as RFC 4180 has them; a quote that is never closed costs one row."""

import csv
from collections import deque
from collections.abc import Iterator

from pipelines.corpora.chunks import lines
from pipelines.corpora.reading import LONGEST_LINE, BadRecord, Fields

MOST_COLUMNS = 10_000
SEPARATORS = (",", "\t", ";", "|")
"""The one that the header holds most often is taken."""

Row = Fields | BadRecord


def csv_rows(stream: Iterator[bytes], separator: str = "") -> Iterator[tuple[int, Row]]:
    """Give the rows below the header, numbered by the line that each starts on.

    An empty field is None. Raises BadRecord for a header that names no columns, or one twice.
    """
    texts = _texts(stream)
    _, header = next(texts, (0, BadRecord("empty_file", "there is no header")))
    if isinstance(header, BadRecord):
        raise header
    if not separator:
        separator = max(SEPARATORS, key=header.count)
    names = _header(_cells(header, separator))
    for number, text in texts:
        yield number, text if isinstance(text, BadRecord) else _row(names, text, separator)


def _header(cells: list[str]) -> list[str]:
    names = [name.strip() or f"column_{i}" for i, name in enumerate(cells, start=1)]
    twice = [name for name in names if names.count(name) > 1] if len(names) < MOST_COLUMNS else []
    if twice or len(names) > MOST_COLUMNS:
        raise BadRecord("bad_header", f"column {twice[0]!r} twice" if twice else "too many columns")
    return names


def _row(names: list[str], text: str, separator: str) -> Row:
    try:
        cells = _cells(text, separator)
    except BadRecord as error:
        return error
    if len(cells) != len(names):
        return BadRecord("wrong_columns", f"{len(cells)} fields under {len(names)} columns")
    return {name: cell or None for name, cell in zip(names, cells, strict=True)}


def _cells(text: str, separator: str) -> list[str]:
    csv.field_size_limit(2 * LONGEST_LINE)
    try:
        found = list(csv.reader([text], delimiter=separator, strict=True))
    except csv.Error as error:
        raise BadRecord("bad_quotes", str(error)) from error
    return found[0] if found else []


def _texts(stream: Iterator[bytes]) -> Iterator[tuple[int, str | BadRecord]]:
    """Put the lines of each row together: those up to the one that closes the last quote."""
    source, back = lines(stream), deque[tuple[int, bytes | None]]()
    while True:
        here = back.popleft() if back else next(source, None)
        if here is None:
            return
        number, line = here
        if line is None:
            yield number, BadRecord("line_too_long", f"over {LONGEST_LINE} bytes")
        elif line.count(b'"') % 2 == 0:
            if line.strip():
                yield number, _decoded(line)
        else:
            taken = _closed(line, source, back)
            text = _decoded(b"\n".join([line, *taken])) if taken else None
            yield number, text or BadRecord("bad_quotes", "a quote is opened and never closed")


def _closed(
    line: bytes, source: Iterator[tuple[int, bytes | None]], back: deque[tuple[int, bytes | None]]
) -> list[bytes]:
    """Take the lines that close a quote; where none does, they go back and none is taken."""
    size, taken, looked = len(line), list[bytes](), list[tuple[int, bytes | None]]()
    while size <= LONGEST_LINE:
        following = back.popleft() if back else next(source, None)
        if following is None:
            break
        looked.append(following)
        if following[1] is None:
            break
        taken.append(following[1])
        size += len(following[1])
        if following[1].count(b'"') % 2:
            return taken
    back.extendleft(reversed(looked))
    return []


def _decoded(line: bytes) -> str | BadRecord:
    try:
        return line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        return BadRecord("not_utf8", str(error))
