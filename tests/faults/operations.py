"""Strikes a process at the N-th thing that it does to files or to the catalog.

SQLite is tested this way: whatever can go wrong is made to go wrong at every single step. Python
tells of each file that is opened, moved or removed; bursts and Parquet files are wrapped.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.catalog import catalog

MOVES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
Strike = Callable[[str, str], None]
"""Is told what would happen now, and to which path."""


class Operations:
    """Counts what this process does below a folder, and strikes at the N-th."""

    def __init__(self, root: Path, at: int, strike: Strike) -> None:
        self.root, self.at, self.strike = str(root), at, strike
        self.count = 0
        self._inside = False

    def watch(self) -> None:
        """Begin to count; there is no way back for a process."""
        sys.addaudithook(self._heard)
        _tell_of_bursts(self.happens)
        _tell_of_shards(self.happens)

    def happens(self, what: str, path: str) -> None:
        """Count one thing, and strike when it is the one."""
        if self._inside or "/.lock" in path:
            return
        self.count += 1
        if self.count == self.at:
            self._inside = True
            self.strike(what, path)
            self._inside = False

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and (args[2] or 0) & WRITING:
            if args[0].startswith(self.root):
                self.happens("open", args[0])
                self.happens("half", args[0])
        elif event in MOVES and self._is_ours(args):
            self.happens(event, str(args[0]))

    def _is_ours(self, args: tuple[Any, ...]) -> bool:
        """Within a tree that is removed, names are relative to an open folder."""
        return str(args[0]).startswith(self.root) or (args[-1] != -1 and "/" not in str(args[0]))


def die(what: str, path: str) -> None:
    """End this process as a power cut would, with a file half written where one was begun."""
    if what == "half":
        Path(path).write_bytes(b"half of a fil")
    os.kill(os.getpid(), signal.SIGKILL)


def no_space(what: str, path: str) -> None:
    """Refuse to write, as a full disk does; what is moved or removed needs no room."""
    if what in ("open", "half", "os.mkdir"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


class _Told:
    """A connection that tells when it commits."""

    def __init__(self, connection: Any, happens: Strike, path: str) -> None:
        self._connection, self._happens, self._path = connection, happens, path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        self._happens("before commit", self._path)
        self._connection.commit()
        self._happens("after commit", self._path)


def _tell_of_bursts(happens: Strike) -> None:
    connect = catalog.connect

    def told(path: Path, **options: Any) -> Any:
        return _Told(connect(path, **options), happens, str(path))

    catalog.connect = told


def _tell_of_shards(happens: Strike) -> None:
    write = pq.ParquetWriter.write_table

    def told(self: Any, *args: Any, **options: Any) -> None:
        happens("rows of a shard", str(self.where))
        write(self, *args, **options)

    pq.ParquetWriter.write_table = told
