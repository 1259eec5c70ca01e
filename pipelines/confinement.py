"""What keeps a worker process in bounds: its memory, its time, its threads, its parent's life."""

import os
import resource
import signal
import sys
import threading
from functools import lru_cache
from multiprocessing import parent_process
from pathlib import Path

MEMORY = 4 * 2**30
"""Bytes that a process may take on top of what it had before its first batch."""


@lru_cache(maxsize=1)
def confine() -> None:
    """Bound this process from now on, once: it is one that may be lost.

    Every core has a worker already, so that libraries are kept from starting more threads.
    """
    import cv2

    cv2.setNumThreads(1)
    _leave_pandas_out()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _leave_pandas_out() -> None:
    """Let Arrow look for pandas while there is none to be found; it looks only once.

    To import it takes as long as a thousand records, and a third of a worker's memory.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder of modules that knows of one that it is not there."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name == "pandas":
            raise ImportError("left out of workers")


def alarm_after(seconds: float) -> None:
    """Have this process ended when the time is up: nothing else stops a decoder that hangs.

    Zero calls the alarm off.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)


def start_worker() -> None:
    """Begin the life of a worker: interrupts are its parent's, and so is its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed outright cannot tell its workers."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
