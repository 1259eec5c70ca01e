"""Where the values of a Parquet column lie in its file, so that one can be read without the others.

It holds for columns that are written plain and without a codec, as the media of our shards are: a
page is a header in Thrift's compact protocol, two runs of levels, and the values one after the
other, each behind its length (https://parquet.apache.org/docs/file-format/data-pages/).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Spans = NDArray[np.int64]
"""First byte and length of each value, [V, 2]."""

_DATA_PAGE = 0
_TYPE, _SIZE = 1, 3
"""Fields of a page header: what page it is, and the bytes it has after the header."""
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12


@dataclass
class _Cursor:
    """A place in the bytes of a file."""

    data: memoryview
    at: int

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)


def is_plain(column: pq.ColumnChunkMetaData) -> bool:
    """Whether the values of a column chunk stand in the file as they are."""
    return column.compression == "UNCOMPRESSED" and not column.has_dictionary_page


def spans(data: memoryview, column: pq.ColumnChunkMetaData) -> Spans:
    """Find every value of a plain column chunk of byte strings, nulls left out."""
    found: list[tuple[int, int]] = []
    start = column.data_page_offset
    end = start + column.total_compressed_size
    while start < end:
        header = dict(_fields(cursor := _Cursor(data, start)))
        start = cursor.at + header[_SIZE]
        if header[_TYPE] == _DATA_PAGE:
            found += _values(data, cursor.at, start)
    return np.array(found, np.int64).reshape(-1, 2)


def _values(data: memoryview, at: int, end: int) -> Iterator[tuple[int, int]]:
    for _ in range(2):  # how the values repeat, and where there are none
        at += 4 + _length(data, at)
    while at < end:
        size = _length(data, at)
        yield at + 4, size
        at += 4 + size


def _length(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _fields(cursor: _Cursor) -> Iterator[tuple[int, int]]:
    """Give the whole numbers of a Thrift struct by their fields, and pass over all else."""
    field = 0
    while (head := cursor.byte()) != 0:
        field = field + (head >> 4) if head >> 4 else cursor.zigzag()
        kind = head & 0x0F
        if _BYTE < kind < _DOUBLE:
            yield field, cursor.zigzag()
        else:
            _pass_over(cursor, kind)


def _pass_over(cursor: _Cursor, kind: int) -> None:
    if kind == _BYTE:
        cursor.at += 1
    elif kind == _DOUBLE:
        cursor.at += 8
    elif kind == _BINARY:
        size = cursor.varint()
        cursor.at += size
    elif kind == _STRUCT:
        for _ in _fields(cursor):
            pass
    elif kind not in (_TRUE, _FALSE):
        raise ValueError(f"a page header holds a value of kind {kind}")
