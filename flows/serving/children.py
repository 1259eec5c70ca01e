"""Processes that live as long as we want them to: started again when they die, gone when we are.

A child holds the reading end of a pipe whose writing end is ours alone. However we end, kill -9
included, the kernel closes our end; the child sees that and ends itself and its own children.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

_LOG_BYTES = 5_000_000
_FASTEST, _SLOWEST = 1.0, 60.0
"""Seconds between two starts of a child that keeps dying; it doubles from the one to the other."""
_GRACE = 10.0


class Child:
    """`python -m MODULE ...` in a process of its own, writing into a log."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path):
        self.name, self.log = name, log
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._leash, self._asked = -1, False
        self._wait, self._not_before = _FASTEST, 0.0

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it."""
        reading, self._leash = os.pipe()
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flows.serving.children", str(reading), *self._command],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[reading],
                start_new_session=True,
            )
        os.close(reading)
        self._not_before = time.monotonic() + self._wait

    def family(self) -> list[int]:
        """Give the numbers of the processes that it started."""
        with suppress(psutil.Error):
            if self._process is not None:
                return [one.pid for one in psutil.Process(self._process.pid).children()]
        return []

    def due(self) -> bool:
        """Whether it has died and it is time to start it again."""
        if self.alive():
            if time.monotonic() > self._not_before + _SLOWEST:
                self._wait = _FASTEST
            return False
        return time.monotonic() >= self._not_before

    def restart(self) -> None:
        """Start it again, and be slower about it the next time."""
        self._close()
        self._wait = min(2 * self._wait, _SLOWEST)
        self.start()

    def ask_to_end(self) -> None:
        """Tell it to take no more work and to end."""
        if self._process is not None and not self._asked:
            self._asked = True
            self._process.terminate()

    def stop(self, seconds: float = _GRACE) -> None:
        """End it: politely, then not."""
        if self._process is not None:
            self.ask_to_end()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._leash >= 0:
            os.close(self._leash)
            self._leash = -1


def last_words(log: Path, lines: int = 5) -> str:
    """Give the end of a log, for a message."""
    with suppress(OSError):
        return "\n".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    return ""


def end_family(pids: Iterable[int], seconds: float = _GRACE) -> None:
    """End processes and everything they started: politely, then not."""
    family: list[psutil.Process] = []
    for pid in pids:
        with suppress(psutil.Error):
            head = psutil.Process(pid)
            family += [head, *head.children(recursive=True)]
    for process in family[:]:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(family, timeout=seconds)[1]:
        with suppress(psutil.Error):
            process.kill()


def _watch(leash: int) -> None:
    """End this process and its children when the other end of the pipe is closed."""
    os.read(leash, 1)
    own = [child.pid for child in psutil.Process().children()]
    end_family(own)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(143)


if __name__ == "__main__":
    threading.Thread(target=_watch, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
