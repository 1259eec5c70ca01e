"""What the readers share: finding a corpus, and turning a bad record into a reject.

A reader never stops at a bad record. It stops only where there is no corpus at all.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pipelines.record.media import BadMedia, Media, MediaKind
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject

LONGEST_LINE = 16 * 2**20
Fields = Mapping[str, Any]
"""One record of a JSON Lines file as it came; `text_of` and its like check what they take."""
T = TypeVar("T")


class CorpusError(ValueError):
    """A folder that does not hold the corpus; names the folder and what it should hold."""


class BadRecord(ValueError):
    """A record that gives no sample; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def find_data(root: Path, inner: str, *expected: str) -> Path:
    """Find a corpus' data in its folder, `root/inner`, or in `root` itself.

    Raises CorpusError where neither holds any of the expected files (patterns of `Path.glob`).
    """
    for folder in (root / inner, root):
        if any(next(folder.glob(pattern), None) is not None for pattern in expected):
            return folder
    if not root.is_dir():
        raise CorpusError(f"there is no folder {root}")
    looked_for = " or ".join(f"{inner}/{pattern}" for pattern in expected)
    raise CorpusError(f"{root} holds no {looked_for}")


def attempt(corpus: str, ref: str, make: Callable[..., T], *args: Any) -> T | Reject:
    """Make a sample of a record, or a reject that says why there is none."""
    try:
        return make(*args)
    except (BadRecord, BadMedia) as error:
        return Reject(corpus, ref, "read", error.reason, error.detail[:300])


def read_lines(
    corpus: str, path: Path, prefix: str, make: Callable[[str, Fields], Sample]
) -> Iterator[Record]:
    """Make one sample a line of a JSON Lines file; the reference is `prefix/name:line`."""
    for number, line in numbered_lines(path):
        ref = f"{prefix}/{path.name}:{number}"
        yield attempt(corpus, ref, lambda ref, line: make(ref, parse(line)), ref, line)


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
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRecord("not_utf8", str(error)) from error
    try:
        record = json.loads(text)
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadRecord("not_utf8", "a lone surrogate") from error
    except (ValueError, RecursionError) as error:
        raise BadRecord("not_json", str(error)) from error
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
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError) as error:
        raise BadMedia("missing_file", f"{name!r}: {error}"[:200]) from error
    if not inside:
        raise BadMedia("outside_corpus", f"{name!r} leads out of the corpus"[:200])
    return Media.of_file(path, kind)
