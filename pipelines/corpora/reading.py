"""What the readers share: finding a corpus, and turning a bad record into a reject.

A reader walks through a corpus and gives its records as they lie there, each with what makes a
sample of it; that is done later, on whatever core is free. It never stops at a bad record. It
stops only where there is no corpus at all.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pipelines.record.media import BadMedia, Media, MediaKind
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject

LONGEST_LINE = 16 * 2**20
LARGEST_FILE = 2**28
"""Bytes of a file that is one record."""
Fields = Mapping[str, Any]
"""One record of a JSON Lines file as it came; `text_of` and its like check what they take."""
T = TypeVar("T")

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class CorpusError(ValueError):
    """A folder that does not hold the corpus; names the folder and what it should hold."""


class BadRecord(ValueError):
    """A record that gives no sample; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Pending:
    """A record as it lies in its corpus. It travels to the core that makes a sample of it."""

    corpus: str
    ref: str
    make: Callable[..., Sample | list[Record]]
    """A function of a module, so that it can travel, or a `partial` of one; may raise BadRecord
    and BadMedia. One record may give several samples."""
    args: tuple[Any, ...] = ()

    def records(self) -> list[Record]:
        """Make the samples, or the reject that says why there are none."""
        found = attempt(self.corpus, self.ref, self.make, *self.args)
        return found if isinstance(found, list) else [found]


Raw = Pending | Record
"""What a reader gives: a record that is still to be made a sample of, or one that is made."""


def made(raw: Iterable[Raw]) -> Iterator[Record]:
    """Make the samples of what a reader gives, here and now."""
    for one in raw:
        yield from one.records() if isinstance(one, Pending) else [one]


def find_data(root: Path, inner: str, *expected: str) -> Path:
    """Find a corpus' data in its folder, `root/inner`, or in `root` itself.

    Where these hold nothing, the one folder in `root` is looked into, as archives have it.
    Raises CorpusError where neither holds any of the expected files (patterns of `Path.glob`).
    """
    only = only_folder(root)
    for folder in (root / inner, root, only / inner, only):
        if any(next(folder.glob(pattern), None) is not None for pattern in expected):
            return folder
    if not root.is_dir():
        raise CorpusError(f"there is no folder {root}")
    looked_for = " or ".join(f"{inner}/{pattern}" for pattern in expected)
    raise CorpusError(f"{root} holds no {looked_for}")


def only_folder(root: Path) -> Path:
    """Step into the one folder that many archives hold everything in; else stay."""
    entries = list(islice(root.iterdir(), 2)) if root.is_dir() else []
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else root


def attempt(corpus: str, ref: str, make: Callable[..., T], *args: Any) -> T | Reject:
    """Make a sample of a record, or a reject that says why there is none."""
    try:
        return make(*args)
    except (BadRecord, BadMedia) as error:
        return Reject(corpus, ref, "read", error.reason, error.detail[:300])


def read_lines(
    corpus: str, path: Path, prefix: str, make: Callable[[str, Fields], Sample]
) -> Iterator[Pending]:
    """Give the lines of a JSON Lines file, one sample each; the reference is `prefix/name:line`."""
    for number, line in numbered_lines(path):
        ref = f"{prefix}/{path.name}:{number}".lstrip("/")
        yield Pending(corpus, ref, _of_line, (make, ref, line))


def _of_line(make: Callable[[str, Fields], Sample], ref: str, line: bytes) -> Sample:
    return make(ref, parse(line))


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give the lines of a file that are not empty, with their numbers from one."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def parse(line: bytes) -> Fields:
    """Parse one line. Raises BadRecord for what is no JSON object of clean Unicode."""
    if len(line) > LONGEST_LINE:
        raise BadRecord("line_too_long", f"{len(line)} bytes")
    record = parse_json(line)
    if not isinstance(record, dict):
        raise BadRecord("not_an_object", type(record).__name__)
    return record


def parse_json(data: bytes) -> Any:
    """Parse JSON; NaN, which pandas writes for what is missing, becomes None.

    Raises BadRecord for what is no JSON of clean Unicode, or names one thing twice.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRecord("not_utf8", str(error)) from error
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        if _ESCAPED_SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadRecord("not_utf8", "a lone surrogate") from error
    except BadRecord:
        raise
    except (ValueError, RecursionError) as error:
        raise BadRecord("not_json", str(error)) from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRecord("duplicate_key", f"{twice[:80]!r} is given twice")
    return found


def _constant(name: str) -> None:
    if name != "NaN":
        raise BadRecord("not_json", f"{name} is no JSON number")


def read_object(path: Path) -> Fields:
    """Parse a file that holds one JSON object. Raises BadRecord where it does not."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadRecord("file_too_large", path.name)
        record = parse_json(path.read_bytes())
    except OSError as error:
        raise BadRecord("unreadable_file", f"{path.name}: {error.strerror}") from error
    if not isinstance(record, dict):
        raise BadRecord("not_an_object", type(record).__name__)
    return record


def text_of(record: Fields, name: str) -> str:
    """Take a text from a record. Raises BadRecord where it is missing, empty or no text."""
    value = record.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise BadRecord(f"no_{name}")
    if not isinstance(value, str):
        raise BadRecord(f"bad_{name}", f"{type(value).__name__} where a text should be")
    if "\0" in value:
        raise BadRecord(f"bad_{name}", "a NUL character")
    return value


def plain_text(value: object) -> str:
    """Write a label as text: corpora mix `4` and `"4"`. Raises BadRecord for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise BadRecord("bad_answer", f"{value!r} is neither text nor number"[:200])
    return str(value).strip()


def media_in(folder: Path, name: str, kind: MediaKind) -> Media:
    """Refer to a file that a record names. Raises BadMedia where it lies outside the folder."""
    real = _real(folder)
    try:
        inside = os.path.realpath(os.path.join(real, name)).startswith(real + os.sep)  # noqa: PTH118
    except (OSError, ValueError) as error:
        raise BadMedia("missing_file", f"{name!r}: {error}"[:200]) from error
    if not inside:
        raise BadMedia("outside_corpus", f"{name!r} leads out of the corpus"[:200])
    return Media.of_file(folder / name, kind)


@lru_cache(maxsize=64)
def _real(folder: Path) -> str:
    """Where a folder really lies; many records ask of few folders."""
    return os.path.realpath(folder).rstrip(os.sep)
