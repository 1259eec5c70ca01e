"""One DuckDB file per workspace, opened in bursts.

DuckDB locks its file against every other process while it is open for writing, so nobody holds
it: `write()` takes the workspace lock, opens, runs one transaction and closes; `read()` opens
read-only. What takes long is computed outside. Somebody else's tools read `catalog.ro.duckdb`,
a snapshot that is swapped in whole.
"""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.catalog import migrations
from pipelines.catalog.lock import workspace_lock
from pipelines.catalog.moment import now as now  # noqa: PLC0414 - where others look for it

Connection = duckdb.DuckDBPyConnection

Config = dict[str, str | bool | int | float | list[str]]

SAFE_CONFIG: Config = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


_NO_SPACE = "No space left"


class CatalogError(RuntimeError):
    """The catalog cannot be used as it is; the message says what to do."""


class Catalog:
    """The few verbs on `<workspace>/catalog.duckdb`."""

    def __init__(self, workspace: Path, *, lock_timeout: float = 60.0) -> None:
        self.workspace = workspace
        self.path = workspace / "catalog.duckdb"
        self.log_path = workspace / "catalog.duckdb.wal"
        self.snapshot_path = workspace / "catalog.ro.duckdb"
        self.lock_timeout = lock_timeout
        self._ready = False
        self._last_snapshot = 0.0
        self._written = False
        self._snapshot_cost = 0.0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open for one transaction: all of the body is kept, or none of it."""
        self.ready()
        with self._open(read_only=False) as connection:
            connection.begin()
            try:
                yield connection
                connection.commit()
            except BaseException:
                _rollback(connection)
                raise
        self._written = True
        self._snapshot_if_due()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open read-only. Readers run side by side and wait only for a writer's burst."""
        self.ready()
        with self._open(read_only=True) as connection:
            yield connection

    def table(self, query: str, *parameters: object) -> pa.Table:
        """Answer one query with an Arrow table."""
        with self.read() as connection:
            return connection.execute(query, list(parameters)).to_arrow_table()

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Answer one query with a list of dictionaries."""
        rows: list[dict[str, Any]] = self.table(query, *parameters).to_pylist()
        return rows

    def snapshot(self) -> Path:
        """Swap in a fresh copy for outsiders, whole, and give its path."""
        started = time.monotonic()
        partial = self.workspace / f".tmp-{uuid.uuid4().hex}"
        try:
            with workspace_lock(self.lock_folder, exclusive=False, timeout=self.lock_timeout):
                shutil.copyfile(self.path, partial)
                partial.replace(self.snapshot_path)
        finally:
            partial.unlink(missing_ok=True)
        self._written = False
        self._last_snapshot = time.monotonic()
        self._snapshot_cost = self._last_snapshot - started
        return self.snapshot_path

    def compact(self) -> None:
        """Write the file anew, so that nothing of what was deleted is left in its free blocks."""
        self.ready()
        with workspace_lock(self.lock_folder, exclusive=True, timeout=self.lock_timeout):
            self._sweep()
            partial = self.workspace / f".tmp-{uuid.uuid4().hex}"
            try:
                self._copy_rows(partial)
                partial.replace(self.path)
            finally:
                partial.unlink(missing_ok=True)
        self._written = True

    def _copy_rows(self, partial: Path) -> None:
        connection = connect(
            self.path, read_only=False, config=SAFE_CONFIG, timeout=self.lock_timeout
        )
        try:
            # A log left beside the file would else be applied to the one in its place.
            connection.execute("checkpoint")
            there = str(partial).replace("'", "''")
            connection.execute(f"attach '{there}' as anew")
            connection.execute(f'copy from database "{self.path.stem}" to anew')
            connection.execute("detach anew")
        finally:
            connection.close()

    def publish(self) -> None:
        """Give outsiders what was written since the last snapshot; every command ends with this."""
        if self._written:
            self.snapshot()

    @property
    def lock_folder(self) -> Path:
        """Where the workspace lock lives."""
        return self.workspace / ".lock"

    def ready(self) -> None:
        """Once per object: make or migrate the file, and refuse one from a newer version."""
        if self._ready:
            return
        if not self.path.exists():
            self._make()
        with self.look() as connection:
            current = migrations.version(connection)
        if current < migrations.NEWEST:
            with self._open(read_only=False) as connection:
                migrations.migrate(connection)
        elif current > migrations.NEWEST:
            raise CatalogError(
                f"{self.path} has schema {current}, newer than the {migrations.NEWEST} that this "
                "Curricle knows; upgrade Curricle, or use another --workspace"
            )
        self._ready = True

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """Open read-only whatever is there, and change nothing: neither made nor migrated."""
        self.refuse_loss()
        with self._open(read_only=True) as connection:
            yield connection

    def refuse_loss(self) -> None:
        """Raise CatalogError where what lies in the folder says that its catalog was lost.

        A new and empty one would hide that.
        """
        if self.path.exists():
            if not self.path.stat().st_size:
                raise CatalogError(f"{self.path} is empty (0 bytes): {self._cure()}")
        elif left := self._left_behind():
            raise CatalogError(
                f"{self.path} is gone, but {left} is still there, and a new and empty catalog would "
                f"hide the loss: {self._cure()}"
            )

    def fold_log(self) -> None:
        """Write what a killed process left in the log into the file itself."""
        self.ready()
        with self._open(read_only=False) as connection:
            connection.execute("checkpoint")

    def _left_behind(self) -> str:
        """Name what only a workspace that had a catalog holds; empty where there is nothing."""
        for path in (self.snapshot_path, self.log_path):
            if path.exists():
                return path.name
        if next(self.workspace.glob("datasets/*/*/manifest.json"), None):
            return "datasets"
        known = next(self.workspace.glob("media/??/*"), None) and self.lock_folder.exists()
        return "media" if known else ""

    def _cure(self) -> str:
        if self.snapshot_path.exists():
            return (
                f"restore a backup, or copy {self.snapshot_path.name}, as it was last published, "
                "to its place"
            )
        return (
            "restore a backup, or bring the datasets into a new workspace with `curricle restore`"
        )

    def _make(self) -> None:
        """Make the file beside its place and move it there whole, so that a kill leaves none."""
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.refuse_loss()
        with workspace_lock(self.lock_folder, exclusive=True, timeout=self.lock_timeout):
            if self.path.exists():
                return
            self._sweep()
            partial = self.workspace / f".tmp-{uuid.uuid4().hex}"
            try:
                connection = connect(
                    partial, read_only=False, config=SAFE_CONFIG, timeout=self.lock_timeout
                )
                with closing(connection):
                    migrations.migrate(connection)
                partial.replace(self.path)
            finally:
                partial.unlink(missing_ok=True)

    @contextmanager
    def _open(self, *, read_only: bool) -> Iterator[Connection]:
        with workspace_lock(self.lock_folder, exclusive=not read_only, timeout=self.lock_timeout):
            if not read_only:
                self._sweep()
            connection = connect(
                self.path, read_only=read_only, config=SAFE_CONFIG, timeout=self.lock_timeout
            )
            try:
                yield connection
            except duckdb.Error as error:
                if is_damage(error):
                    raise CatalogError(damaged(self.path, error)) from error
                if isinstance(error, duckdb.FatalException) or _NO_SPACE in str(error):
                    raise CatalogError(_fatal(self.path, error)) from error
                raise
            finally:
                connection.close()

    def _sweep(self) -> None:
        """Remove copies that were cut short; whoever makes one holds the lock."""
        for left in self.workspace.glob(".tmp-*"):
            if left.is_file():  # a folder is an export under way
                left.unlink(missing_ok=True)

    def _snapshot_if_due(self) -> None:
        """Refresh the snapshot at most every few seconds, and rarely enough to cost under 5%."""
        pause = max(5.0, 20 * self._snapshot_cost)
        if time.monotonic() - self._last_snapshot > pause:
            self.snapshot()


def connect(path: Path, *, read_only: bool, config: Config, timeout: float) -> Connection:
    """Open the file once the lock is held. Raises CatalogError when it cannot be opened.

    Within one process DuckDB refuses a file that another thread has open with another
    configuration; that thread's burst is waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return duckdb.connect(path, read_only=read_only, config=config)
        except duckdb.ConnectionException as error:
            if time.monotonic() > deadline:
                raise CatalogError(_cannot_open(path, error)) from error
            time.sleep(0.01)
        except duckdb.Error as error:
            raise CatalogError(_cannot_open(path, error)) from error


def is_damage(error: duckdb.Error) -> bool:
    """Whether an error says that a block of the file is not what was written."""
    return "corrupt" in str(error).lower() and "checksum" in str(error).lower()


def damaged(path: Path, error: duckdb.Error) -> str:
    """Say that a file is damaged, and what to do."""
    first = str(error).strip().splitlines()[0]
    return (
        f"{path} is damaged; `curricle doctor` says what is left, and a backup or "
        f"{path.with_name('catalog.ro.duckdb').name} beside it can take its place ({first})"
    )


def _rollback(connection: Connection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        return  # a fatal error has already closed the transaction


def _cannot_open(path: Path, error: duckdb.Error) -> str:
    first = str(error).strip().splitlines()[0]
    if "could not set lock" in first.lower():
        return (
            f"{path} is held open by a program that is not Curricle; close it there and let it "
            f"open {path.parent / 'catalog.ro.duckdb'} instead ({first})"
        )
    if "Permission denied" in first or "Read-only" in first:
        return f"{path} may not be written; change its permissions or use another ({first})"
    if "version number" in first.lower():
        return f"{path} was written by a newer DuckDB than this one; upgrade Curricle ({first})"
    return damaged(path, error).replace("is damaged", "cannot be opened: it is damaged", 1)


def _fatal(path: Path, error: duckdb.Error) -> str:
    free = shutil.disk_usage(path.parent).free
    first = str(error).strip().splitlines()[0]
    if free < 64 * 2**20 or _NO_SPACE in str(error):
        return f"the disk that holds {path} is full ({free >> 20} MiB free); free some and rerun"
    return f"{path} failed while writing; rerun the command ({first})"
