"""The process behind a person's SQL: it may take too long or too much, and is lost then."""

import errno
import os
import resource
import signal
import sys
import threading
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.answering import serve
from pipelines.catalog.allowed import GUARD, first_line
from pipelines.catalog.catalog import CatalogError, Config, Connection, connect
from pipelines.catalog.lock import LockTimeout, workspace_lock

BATCH = 10_000
"""Rows that are held at a time."""
THREADS = 4
BESIDE = 2**30
"""Bytes of addresses for what is not the query's: stacks, code, and room that allocators keep."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Write what a query gives into a file, as an Arrow stream, and say how it went."""
    _limit(question["memory"], question["largest"])
    try:
        with _door(question), closing(_open(question)) as connection:
            return {"more": _write(connection, question)}
    except LockTimeout as error:
        return {"kind": "lock", "text": str(error)}
    except CatalogError as error:
        return {"kind": "catalog", "text": str(error)}
    except (duckdb.Error, pa.ArrowException, OSError, MemoryError, ValueError) as error:
        return _refusal(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _refusal(error: Exception) -> dict[str, Any]:
    """Say what an error is; one that comes while rows stream is Arrow's, with DuckDB's words."""
    text = first_line(error) if str(error).strip() else type(error).__name__
    if isinstance(error, MemoryError) or "Out of Memory" in text or "out of memory" in text:
        return {"kind": "memory"}
    if "INTERRUPT" in text:
        return {"kind": "time"}
    if isinstance(error, duckdb.PermissionException):
        return {"kind": "files"}
    if isinstance(error, OSError) and error.errno in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT):
        return {"kind": "large"}
    return {"kind": "wrong", "text": text}


def _door(question: dict[str, Any]) -> AbstractContextManager[None]:
    if question["lock"] is None:
        return nullcontext()
    folder, timeout = Path(question["lock"]), question["lock_timeout"]
    return workspace_lock(folder, exclusive=False, timeout=timeout)


def _open(question: dict[str, Any]) -> Connection:
    limits: Config = {
        "memory_limit": f"{question['memory']}B",
        "threads": min(THREADS, os.cpu_count() or 1),
    }
    return connect(Path(question["path"]), read_only=True, config=GUARD | limits, timeout=0)


def _write(connection: Connection, question: dict[str, Any]) -> bool:
    """Give whether there are more rows than were asked for."""
    left = sys.maxsize if question["rows"] is None else question["rows"]
    timer = threading.Timer(question["seconds"], connection.interrupt)
    # For what hears no interrupt: the alarm ends the process, and with it the lock.
    signal.setitimer(signal.ITIMER_REAL, question["seconds"] + 0.5)
    timer.start()
    try:
        batches = connection.execute(question["statement"]).to_arrow_reader(BATCH)
        with (
            pa.OSFile(question["spool"], "wb") as file,
            pa.ipc.new_stream(file, batches.schema) as out,
        ):
            for batch in batches:
                out.write_batch(batch.slice(0, left))
                left -= batch.num_rows
                if left < 0:
                    return True
        return False
    finally:
        timer.cancel()


def _limit(memory: int, largest: int) -> None:
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (largest, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    )
    if sys.platform == "linux":
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (_BEFORE + memory + BESIDE, most))


def _addresses() -> int:
    """Bytes of addresses that this process has, where the system tells."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


_BEFORE = _addresses()

if __name__ == "__main__":
    serve(answer)
