"""What workers are asked to do in the tests of the engines: functions that can travel."""

import os
import signal
import time
from pathlib import Path

from pipelines.confinement import alarm_after, confine

Batch = list[int | str]


def doubled(batch: Batch) -> list[int | str]:
    return [item * 2 for item in batch]


def odd(item: int | str, how: str) -> list[int | str]:
    return [f"{item} {how}"]


def hostile(batch: Batch) -> list[int | str]:
    """Double numbers; a word does to the process what it says."""
    confine()
    for item in batch:
        if item == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif item == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif item == "hang":
            alarm_after(0.2)
            time.sleep(60)
        elif item == "memory":
            bytearray(64 * 2**30)
        elif item == "error":
            raise ValueError("the function has a mistake")
    return doubled(batch)


def once_killed(batch: Batch, *, mark: str) -> list[int | str]:
    """Die at the first call of all, and never again: somebody killed the worker."""
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return doubled(batch)
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def pids(batch: Batch) -> list[int | str]:
    return [os.getpid() for _ in batch]


def slow_pids(batch: Batch) -> list[int | str]:
    time.sleep(0.3)
    return pids(batch)
