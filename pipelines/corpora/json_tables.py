"""Rows of JSON: a line each, the elements of a list, or the parts of one object.

Rows are handed on as bytes and parsed where samples are made, so that a bad one is only its own
reject.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from pipelines.corpora.chunks import lines
from pipelines.corpora.reading import LONGEST_LINE, BadRecord, Fields, parse, parse_json

LARGEST_DOCUMENT = 2**28
"""Bytes of a JSON object that is read whole. Lists and lines may be of any size."""
ROWS_NAMES = frozenset(
    (
        *("data", "rows", "records", "examples", "samples", "questions", "items", "instances"),
        *("train", "dev", "validation", "val", "test"),
    )
)
"""Names of lists that hold the rows where an object has other fields beside them."""
LOOKED_AT = 10
"""Lines that tell whether a file is JSON Lines."""

_ATOM = rb'[^{}\[\]"]++|"(?:[^"\\]++|\\.)*+"'
_SHALLOW = re.compile(
    rb"\s*+(\{(?:" + _ATOM + rb"|[\[{](?:" + _ATOM + rb")*+[\]}])*+\})\s*+,", re.DOTALL
)
"""A whole element with at most one level of lists or objects in it: the usual, and quick to find."""
_OUTSIDE = re.compile(rb'["\[\]{},]')
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SPACE = b" \t\r\n"

Row = bytes | Fields | None
"""None stands for one that is too long."""


def json_rows(stream: Iterator[bytes]) -> Iterator[tuple[int, Row]]:
    """Give the rows of a list or an object. Raises BadRecord where the text breaks off."""
    start = b""
    for chunk in stream:
        start = (start + chunk).lstrip(_SPACE)
        if start:
            break
    whole = chain([start], stream)
    if start[:1] == b"[":
        yield from enumerate(_elements(whole), start=1)
    else:
        yield from enumerate(_parts(_document(whole)), start=1)


def line_rows(stream: Iterator[bytes]) -> Iterator[tuple[int, Row]]:
    """Give the lines that are not empty."""
    return ((number, line) for number, line in lines(stream) if line is None or line.strip())


def looks_like_lines(start: bytes, *, whole: bool) -> bool:
    """Tell JSON Lines from one object: the first line is an object, or half of the first are.

    `whole` says that there is nothing after them. One object alone on one line is a document.
    """
    found = [line for line in start.split(b"\n") if line.strip()]
    if not whole and len(found) > 1:
        found = found[:-1]
    found = found[:LOOKED_AT]
    good = [_is_object(line) for line in found]
    return good[0] or 2 * sum(good) >= len(good) if len(good) > 1 else not whole


def _is_object(line: bytes) -> bool:
    try:
        parse(line)
    except BadRecord:
        return False
    return True


def _elements(stream: Iterable[bytes]) -> Iterator[bytes | None]:
    """Cut a list into its elements by brackets alone, so that what is inside may be broken."""
    scan = _Scan()
    for chunk in stream:
        yield from scan.elements(chunk)
        if scan.ended:
            return
    raise BadRecord("not_json", "the list breaks off before its end")


class _Scan:
    """Where a scan of a list stands: what is held, how deep it is, whether inside a string."""

    def __init__(self) -> None:
        self.ended = False
        self._held = b""
        self._start = self._at = self._depth = 0
        self._in_string = self._too_long = False

    def elements(self, chunk: bytes) -> Iterator[bytes | None]:
        """Give the elements that a further chunk completes."""
        self._held, self._at = self._held[self._start :] + chunk, self._at - self._start
        self._start = 0
        while not self.ended and self._at < len(self._held):
            if self._in_string:
                if not self._past_string():
                    break
                continue
            if self._depth == 1 and (found := self._whole_element()):
                yield found
                continue
            mark = _OUTSIDE.search(self._held, self._at)
            self._at = mark.end() if mark else len(self._held)
            if mark and self._closes(mark[0]):
                yield from self._element()
        if self._at - self._start > LONGEST_LINE:
            self._start, self._too_long = self._at, True

    def _whole_element(self) -> bytes | None:
        if self._start != self._at or not (found := _SHALLOW.match(self._held, self._at)):
            return None
        if found.end(1) - found.start(1) > LONGEST_LINE:
            return None
        self._start = self._at = found.end()
        return found[1]

    def _past_string(self) -> bool:
        found = _STRING.match(self._held, self._at)
        self._at = found.end() if found else self._at
        self._in_string = self._held[self._at : self._at + 1] != b'"'
        self._at += not self._in_string
        return not self._in_string

    def _closes(self, mark: bytes) -> bool:
        """Note a mark; tell whether an element of the list ends at it."""
        if mark == b'"':
            self._in_string = True
        elif mark in b"[{":
            self._depth += 1
            if self._depth == 1:
                self._start = self._at
        elif mark in b"]}":
            self._depth -= 1
            self.ended = self._depth == 0
        return self.ended or (mark == b"," and self._depth == 1)

    def _element(self) -> Iterator[bytes | None]:
        element = self._held[self._start : self._at - 1].strip(_SPACE)
        self._start = self._at
        if element or self._too_long:
            yield None if self._too_long or len(element) > LONGEST_LINE else element
        self._too_long = False


def _document(stream: Iterable[bytes]) -> Any:
    """Read one JSON value whole. Raises BadRecord for one that is too large, or none."""
    pieces, size = [], 0
    for chunk in stream:
        pieces.append(chunk)
        size += len(chunk)
        if size > LARGEST_DOCUMENT:
            raise BadRecord("file_too_large", "an object of JSON this large: write it as lines")
    return parse_json(b"".join(pieces))


def _parts(document: Any) -> Iterator[Fields | bytes]:
    """Find the rows of an object: its lists of objects, its columns, its objects, or itself.

    Several lists, such as splits, follow one another; the name of the list goes along as `_key`,
    as does that of an object among objects.
    """
    if not isinstance(document, dict):
        raise BadRecord("not_a_table", f"a JSON {type(document).__name__} holds no records")
    values = list(document.values())
    lists = {key: value for key, value in document.items() if _holds_objects(value)}
    if values and all(isinstance(value, dict) for value in values):
        yield from ({"_key": key} | value for key, value in document.items())
    elif values and all(isinstance(v, list) for v in values) and not lists:
        yield from _columns(document)
    elif lists and (len(lists) == len(values) or ROWS_NAMES & lists.keys()):
        lists = {key: lists[key] for key in lists if len(lists) == len(values) or key in ROWS_NAMES}
        for key, value in lists.items():
            for item in value:
                yield {"_key": key} | item if isinstance(item, dict) else json.dumps(item).encode()
    else:
        yield document


def _holds_objects(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _columns(document: dict[str, list[Any]]) -> Iterator[Fields]:
    lengths = {name: len(values) for name, values in document.items()}
    if len(set(lengths.values())) > 1:
        raise BadRecord("not_a_table", f"columns of different lengths: {lengths}"[:300])
    for values in zip(*document.values(), strict=True):
        yield dict(zip(document, values, strict=True))
