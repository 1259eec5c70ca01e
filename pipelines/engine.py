"""Run a function over batches, in order: on this machine's cores, or on a Ray cluster.

The function is the same and so is the result. Its process may die or be killed for what it was
given to decode; its batch is then tried again one item at a time, and only the item that does
it again is lost.
"""

import atexit
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing import forkserver
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Batches under way for each worker."""
PRELOADED = ["pebble.pool.process", "pipelines.clean.examine"]
"""What workers share with each other, memory and the time to import it."""
OUT_OF_MEMORY = 86
"""Exit code of a worker that could not get its memory."""

EngineName = Literal["local", "ray"]


class Engine(Protocol):
    """Where batches are worked on."""

    def map(
        self,
        function: Callable[[list[T]], R],
        batches: Iterable[list[T]],
        lost: Callable[[T, str], R],
    ) -> Iterator[R]:
        """Give the results in the order of the batches.

        `function` must be one that can travel (of a module, or a `partial` of one) and give the
        same whether it is called once or again. A batch that breaks its process gives one result
        an item; `lost` makes that of an item which does so by itself, and is told how.
        """
        ...


class Lost(RuntimeError):
    """A batch whose process died, or took too long; says which."""


@dataclass(frozen=True, slots=True)
class Here:
    """This very process, for what we made ourselves: nothing of it needs to be kept in bounds."""

    def map(
        self,
        function: Callable[[list[T]], R],
        batches: Iterable[list[T]],
        lost: Callable[[T, str], R],  # noqa: ARG002
    ) -> Iterator[R]:
        """Work on one batch after the other."""
        yield from map(function, batches)


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Processes of this machine, kept warm from one call to the next."""

    workers: int = 0
    """How many; 0 means one a core."""

    def map(
        self,
        function: Callable[[list[T]], R],
        batches: Iterable[list[T]],
        lost: Callable[[T, str], R],
    ) -> Iterator[R]:
        """Keep every worker busy with a batch, and more waiting while results are taken in."""
        pool = _pool(self.workers or os.cpu_count() or 1)

        def ask(batch: list[T]) -> Any:
            return pool.schedule(run_or_die, args=[function, batch])

        stream, waiting = iter(batches), deque[tuple[list[T], Any]]()
        try:
            while True:
                for batch in islice(stream, AHEAD * pool.workers - len(waiting)):
                    waiting.append((batch, ask(batch)))
                if not waiting:
                    return
                batch, future = waiting.popleft()
                try:
                    yield _result(future)
                except Lost:
                    yield from one_by_one(lambda items: _result(ask(items)), batch, lost)
        finally:
            for _, future in waiting:
                future.cancel()


def engine_named(name: EngineName, *, workers: int = 0, address: str = "") -> Engine:
    """Find an engine. `address` is that of a Ray cluster; empty starts one on this machine."""
    if name == "local":
        return LocalEngine(workers)
    from pipelines.ray_engine import RayEngine

    return RayEngine(address=address, workers=workers)


def one_by_one(
    ask: Callable[[list[T]], R], batch: list[T], lost: Callable[[T, str], R]
) -> Iterator[R]:
    """Try the items of a batch that broke, each by itself. `ask` raises Lost."""
    for item in batch:
        try:
            yield ask([item])
        except Lost as error:
            yield lost(item, str(error))


def run_or_die(function: Callable[[list[T]], R], batch: list[T]) -> R:
    """Call the function; a process that could not get its memory is not used again."""
    try:
        return function(batch)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


class _Pool:
    """Processes that stay for the next call: starting one costs as much as a thousand records."""

    def __init__(self, workers: int) -> None:
        from multiprocessing import get_context

        from pebble import ProcessPool

        from pipelines.confinement import start_worker

        self.workers = workers
        # Not forked from here: this process may hold locks of threads that a fork would not have.
        # The server that they are forked from has no thread, and imports for all of them.
        context = get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._pool = ProcessPool(workers, context=context, initializer=start_worker)
        self.schedule = self._pool.schedule

    @property
    def active(self) -> bool:
        return bool(self._pool.active)

    def stop(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


_pools: dict[int, _Pool] = {}


def _pool(workers: int) -> _Pool:
    if workers not in _pools or not _pools[workers].active:
        _pools[workers] = _Pool(workers)
    return _pools[workers]


def _stop_all() -> None:
    while _pools:
        _pools.popitem()[1].stop()


atexit.register(_stop_all)


def _forget_all() -> None:
    """Leave the workers, and the server that they came from, to the process that started them."""
    _pools.clear()
    forkserver._forkserver.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=_forget_all)


def _result(future: Any) -> Any:
    from pebble import ProcessExpired

    try:
        return future.result()
    except ProcessExpired as error:
        raise Lost(_how(error.exitcode)) from error


def _how(exitcode: int) -> str:
    """Say how a process ended, from its exit code."""
    import signal

    if exitcode == OUT_OF_MEMORY:
        return "took too much memory"
    if exitcode == -signal.SIGALRM:
        return "took too long"
    if exitcode == -signal.SIGKILL:
        return "was killed: it took too much memory, or somebody killed it"
    return f"ended its process ({exitcode})"
