"""The lock: side by side for readers, one writer, no starving, no stale locks."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.catalog.lock import LockTimeout, workspace_lock

HOLD = """
import sys, time
from pathlib import Path
from pipelines.catalog.lock import workspace_lock
with workspace_lock(Path(sys.argv[1]), exclusive=sys.argv[2] == "x", timeout=10):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(folder: Path, mode: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), mode], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    return process


def test_readers_share(tmp_path: Path) -> None:
    reader = hold(tmp_path, "s")
    with workspace_lock(tmp_path, exclusive=False, timeout=1):
        pass
    reader.kill()


@pytest.mark.parametrize(("theirs", "ours"), [("x", False), ("x", True), ("s", True)])
def test_a_timed_out_wait_names_the_holder(tmp_path: Path, theirs: str, ours: bool) -> None:
    holder = hold(tmp_path, theirs)
    with (
        pytest.raises(LockTimeout, match=f"process {holder.pid}"),
        workspace_lock(tmp_path, exclusive=ours, timeout=0.2),
    ):
        pass
    holder.kill()


def test_a_dead_holder_blocks_nobody(tmp_path: Path) -> None:
    holder = hold(tmp_path, "x")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with workspace_lock(tmp_path, exclusive=True, timeout=1):
        pass


def test_opening_twice_in_one_thread_is_an_error_not_a_deadlock(tmp_path: Path) -> None:
    with (
        workspace_lock(tmp_path, exclusive=False, timeout=1),
        pytest.raises(RuntimeError, match="already open"),
        workspace_lock(tmp_path, exclusive=True, timeout=1),
    ):
        pass


def _read_again_and_again(folder: Path, until: float) -> None:
    while time.time() < until:
        with workspace_lock(folder, exclusive=False, timeout=10):
            time.sleep(0.01)


def test_a_writer_is_not_starved_by_readers(tmp_path: Path) -> None:
    until = time.time() + 4
    readers = [
        multiprocessing.Process(target=_read_again_and_again, args=(tmp_path, until))
        for _ in range(6)
    ]
    for reader in readers:
        reader.start()
    written = 0
    while time.time() < until - 1:
        with workspace_lock(tmp_path, exclusive=True, timeout=3):
            written += 1
    for reader in readers:
        reader.join()
    assert written >= 10
