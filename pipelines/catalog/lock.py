"""The workspace lock: shared for readers, exclusive for writers, behind a turnstile.

Everybody passes the gate first, so a waiting writer stops later readers and is next; a plain
shared/exclusive lock starves writers. The kernel frees both locks when their holder dies, so
no stale lock blocks anybody.
"""

import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_SECONDS = 0.005
_held = threading.local()


class LockTimeout(RuntimeError):
    """Somebody else holds the workspace lock for longer than we wait."""


@contextmanager
def workspace_lock(folder: Path, *, exclusive: bool, timeout: float) -> Iterator[None]:
    """Hold the lock for the body. Raises LockTimeout, naming the holder, after `timeout` seconds."""
    key = str(folder)
    if key in getattr(_held, "folders", set()):
        raise RuntimeError("the catalog is already open in this thread; finish that burst first")
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with _flock(folder / "gate", fcntl.LOCK_EX, deadline, folder):
        mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        main = _flock(folder / "main", mode, deadline, folder)
        main.__enter__()
    _held.folders = getattr(_held, "folders", set()) | {key}
    try:
        _note_holder(folder)
        yield
    finally:
        _held.folders = _held.folders - {key}
        main.__exit__(None, None, None)


@contextmanager
def _flock(path: Path, mode: int, deadline: float, folder: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
                break
            if time.monotonic() > deadline:
                raise LockTimeout(_timeout_message(folder))
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _note_holder(folder: Path) -> None:
    """Write down who holds the lock, for the message of whoever waits too long."""
    command = " ".join(Path(word).name if "/" in word else word for word in sys.argv[:3])
    with suppress(OSError):
        (folder / "holder").write_text(f"process {os.getpid()} ({command})")


def _timeout_message(folder: Path) -> str:
    holder = "another process"
    with suppress(OSError):
        holder = (folder / "holder").read_text()
    return (
        f"the workspace {folder.parent} is in use by {holder}; "
        "wait for it to finish, or give --lock-timeout more seconds"
    )
