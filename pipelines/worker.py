"""Graders in processes of their own: killed when they hang, replaced when they die.

A question is a line of JSON, and so is its answer. Only a process can be stopped for certain: a
thread that searches for a regular expression, or simplifies an integral, hears nobody.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import time
from threading import Lock
from typing import Any
from weakref import WeakSet

START_SECONDS = 60.0
"""Patience with a process that imports its libraries."""
LONGEST_LINE = 2**20
STARTS = 3
"""Attempts at a process that never gets ready; the rest of a batch must not wait for it too."""
KEPT = 8
"""Idle processes kept for the next batch."""


class NoAnswer(RuntimeError):
    """A grader that took too long, or broke; says which."""


class Worker:
    """One process, asked one question at a time."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            # -P: the current folder must not hide modules of the standard library.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # The worker finds the packages where this process found them.
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            self.ready = self.ask(None, START_SECONDS)
        except BaseException:
            self.stop()
            raise

    def ask(self, question: object, seconds: float) -> Any:
        """Ask and wait. Raises NoAnswer; the worker is of no use after that."""
        process = self._process
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps([question, seconds]).encode() + b"\n")
            process.stdin.flush()
            return json.loads(self._line(time.monotonic() + seconds, seconds))
        except (OSError, ValueError) as error:
            raise NoAnswer(f"broke: {type(error).__name__}: {error}"[:200]) from error

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.communicate()

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def _line(self, deadline: float, seconds: float) -> bytes:
        assert self._process.stdout is not None
        pipe, line = self._process.stdout.fileno(), b""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while not line.endswith(b"\n"):
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise NoAnswer(f"took over {seconds:g} s")
            piece = os.read(pipe, 65536)
            if not piece:
                raise NoAnswer("ended its process")
            line += piece
            if len(line) > LONGEST_LINE:
                raise NoAnswer("gave an answer too long")
        return line


class Pool:
    """Workers of one kind, as many as are asked at once; started when first needed."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.module, self.arguments = module, arguments
        self._lock = Lock()
        self._idle: list[Worker] = []
        self._failed_starts = 0
        _POOLS.add(self)

    def ask(self, question: object, seconds: float) -> Any:
        """Put a question to a worker that is idle. Raises NoAnswer; the next question is safe."""
        worker = self._take()
        try:
            answer = worker.ask(question, seconds)
        except BaseException:  # an interrupt too: the next question must not get this answer
            worker.stop()
            raise
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append(worker)
                return answer
        worker.stop()
        return answer

    def close(self) -> None:
        """Stop the idle workers; the next question starts another."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()

    def forget(self) -> None:
        """Leave the workers to the process that forked this one."""
        self._lock, self._idle = Lock(), []

    @property
    def idle(self) -> int:
        """Workers that wait for a question."""
        return len(self._idle)

    def _take(self) -> Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
        if self._failed_starts >= STARTS:
            raise NoAnswer(f"could not be started {STARTS} times")
        try:
            worker = Worker(self.module, *self.arguments)
        except NoAnswer:
            self._failed_starts += 1
            raise
        self._failed_starts = 0
        return worker


_POOLS: WeakSet[Pool] = WeakSet()


def _close_all() -> None:
    for pool in list(_POOLS):
        pool.close()


def _forget_all() -> None:
    for pool in list(_POOLS):
        pool.forget()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
