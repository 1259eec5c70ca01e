"""SQL that a person wrote: one SELECT, read-only, no files, no network, within limits.

It is answered in a process of its own, because DuckDB's limit on memory does not hold for every
function, and not every function can be interrupted. What answers quickly reads the live file in a
burst; what takes longer goes to the snapshot, so that no writer waits for it.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.catalog.allowed import BadQuery as BadQuery  # noqa: PLC0414 - where others look for it
from pipelines.catalog.allowed import require_allowed
from pipelines.catalog.catalog import Catalog, CatalogError
from pipelines.catalog.lock import LockTimeout, refuse_nested
from pipelines.worker import NoAnswer, Pool

LIVE_SECONDS = 1.0
"""Time for which a query may keep writers waiting."""
GRACE_SECONDS = 10.0
"""Patience with a process beyond the time that its query has."""
LARGEST = 8 * 2**30
"""Bytes of an answer, which waits on disk for whoever reads it."""

_WORKERS = Pool("pipelines.catalog.query_worker")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TOO_LONG = "time"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave, to be read once, batch by batch."""

    batches: pa.RecordBatchReader
    more: bool
    """Whether there are more rows than were asked for."""


def guarded(
    catalog: Catalog, statement: str, *, seconds: float = 30.0, memory: str = "1GB"
) -> pa.Table:
    """Answer one SELECT. Raises BadQuery, in one sentence, for anything else or for too much."""
    with answered(catalog, statement, seconds=seconds, memory=memory) as answer:
        return answer.batches.read_all()


@contextmanager
def answered(
    catalog: Catalog,
    statement: str,
    *,
    seconds: float = 30.0,
    memory: str = "1GB",
    rows: int | None = None,
) -> Iterator[Answer]:
    """Answer one SELECT with at most so many rows, however large that is. Raises BadQuery.

    The catalog is free again before the first batch is read.
    """
    require_allowed(statement)
    catalog.ready()
    refuse_nested(catalog.lock_folder)
    with tempfile.TemporaryDirectory(prefix="curricle-sql-") as folder:
        spool = Path(folder) / "answer.arrows"
        question = {
            "statement": statement,
            "spool": str(spool),
            "memory": _bytes(memory),
            "rows": rows,
            "largest": LARGEST,
        }
        said = _ask(catalog, question, min(seconds, LIVE_SECONDS), locked=True)
        if said.get("kind") == _TOO_LONG and seconds > LIVE_SECONDS:
            said = _ask(catalog, question, seconds, locked=not _still(catalog))
        if "kind" in said:
            raise _error(said, seconds, memory)
        with pa.OSFile(str(spool)) as file:
            yield Answer(pa.ipc.open_stream(file), said["more"])


def _ask(
    catalog: Catalog, question: dict[str, Any], seconds: float, *, locked: bool
) -> dict[str, Any]:
    """Have a process of its own answer, from the live file under its lock or from the snapshot."""
    wait = catalog.lock_timeout if locked else 0.0
    where = {
        "path": str(catalog.path if locked else catalog.snapshot_path),
        "lock": str(catalog.lock_folder) if locked else None,
        "lock_timeout": wait,
        "seconds": seconds,
    }
    try:
        said: dict[str, Any] = _WORKERS.ask(question | where, wait + seconds + GRACE_SECONDS)
    except NoAnswer as error:  # ended by its alarm, or by the system
        if "started" in str(error):
            return {"kind": "catalog", "text": f"the process that answers queries {error}"}
        return {"kind": _TOO_LONG if seconds <= LIVE_SECONDS else "ended"}
    if said.get("kind") == "memory":
        _WORKERS.close()  # what its allocator keeps would be missing in the next query
    return said


def _still(catalog: Catalog) -> bool:
    """See that the snapshot holds what the live file does. False where it cannot be made to."""
    if catalog.log_path.exists():  # a killed process left rows that a copy would lack
        return False
    try:
        shown = catalog.snapshot_path.stat().st_mtime_ns
        if shown > catalog.path.stat().st_mtime_ns:
            return True
    except FileNotFoundError:
        pass
    try:
        catalog.snapshot()
    except OSError:
        return False
    return True


def _error(said: dict[str, Any], seconds: float, memory: str) -> Exception:
    told = said.get("text", "")
    if said["kind"] == "lock":
        return LockTimeout(told)
    if said["kind"] == "catalog":
        return CatalogError(told)
    return BadQuery(
        {
            _TOO_LONG: f"the query took longer than {seconds:g} s; narrow it",
            "memory": f"the query needs more than {memory}; narrow it",
            "ended": f"the query had to be ended: it needs more than {seconds:g} s or more than "
            f"{memory}; narrow it",
            "large": f"the answer is larger than {LARGEST >> 30} GiB, or than the room in "
            f"{tempfile.gettempdir()}; narrow it",
            "files": "the query may reach neither files nor network",
        }.get(said["kind"], f"the query is wrong: {told}")
    )


def _bytes(memory: str) -> int:
    """Read a size such as `2GB`, `500 MB` or `1.5GiB`. Raises BadQuery."""
    fits = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", memory, re.IGNORECASE)
    size = 0
    if fits:
        number, unit, binary = fits.groups()
        unit = unit.upper()
        size = int(
            float(number) * (2 ** (10 * " KMGT".index(unit or " ")) if binary else _UNITS[unit])
        )
    if size < 10**6:
        raise BadQuery(f"{memory!r} is no size of at least 1MB; write it as 500MB or 2GB")
    return size
