"""Batches on a Ray cluster: Ray Data maps them, Arrow tables carry them, and order is kept.

Ray runs a task again when its worker dies, without end. So what a batch may do to its process it
does to one that the worker keeps for that (`LocalEngine`), and only machines that fail are Ray's.
"""

import logging
import pickle
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from pipelines.engine import LocalEngine
from pipelines.workspace import Failed

T = TypeVar("T")
R = TypeVar("R")

WINDOW = 32
"""Batches that are handed to Ray at once for each worker."""


@dataclass(frozen=True, slots=True)
class RayEngine:
    """A Ray cluster; one is started on this machine where none is named."""

    address: str = ""
    workers: int = 0
    """Most batches worked on at once; 0 means as many as the cluster has processors."""

    def map(
        self,
        function: Callable[[list[T]], R],
        batches: Iterable[list[T]],
        lost: Callable[[T, str], R],
    ) -> Iterator[R]:
        """Hand the batches over in windows, so that a long corpus is never held whole.

        While one window is taken in here, the next is worked on there. Raises Failed when there
        is no such cluster, or it fails.
        """
        workers = self._connect()
        apply, stream = _Apply(function, lost), iter(batches)
        with ThreadPoolExecutor(1, "ray") as ahead:
            under_way: Future[list[R]] | None = None
            while window := list(islice(stream, WINDOW * workers)):
                begun = ahead.submit(self._results, apply, window)
                if under_way is not None:
                    yield from under_way.result()
                under_way = begun
            if under_way is not None:
                yield from under_way.result()

    def _results(self, apply: "_Apply", window: list[list[Any]]) -> list[Any]:
        import ray
        from ray.exceptions import RayError

        tables = [pa.table({"batch": pa.array([pickle.dumps(batch)])}) for batch in window]
        data = ray.data.from_arrow(tables).map_batches(
            apply,
            batch_format="pyarrow",
            batch_size=1,
            compute=ray.data.TaskPoolStrategy(size=self.workers or None),
        )
        try:
            answers = [
                pickle.loads(value.as_py())
                for table in data.iter_batches(batch_format="pyarrow", batch_size=None)
                for value in table["answer"]
            ]
        except RayError as error:
            raise Failed(f"the Ray cluster failed: {str(error).splitlines()[0][:200]}") from error
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return [result for answer in answers for result in answer]

    def _connect(self) -> int:
        """Reach the cluster; give how many batches it works on at once."""
        try:
            import ray
        except ImportError as error:
            raise Failed("Ray is not installed; `pip install 'curricle[ray]'` brings it") from error
        if not ray.is_initialized():
            try:
                _knock(self.address)
                ray.init(
                    address=self.address or "local",
                    num_cpus=None if self.address else self.workers or None,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            except Exception as error:  # Ray raises this very class when it cannot start
                where = f"at {self.address!r}" if self.address else "on this machine"
                raise Failed(f"no Ray cluster {where}: {str(error).splitlines()[0]}") from error
        context: Any = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return self.workers or max(1, int(there.get("CPU", 1)))


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would go on asking for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


class _Apply:
    """What runs on the cluster: one row holds one batch, and then its results or its error."""

    def __init__(self, function: Callable[[list[T]], R], lost: Callable[[T, str], R]) -> None:
        self._work = pickle.dumps((function, lost))

    def __call__(self, table: pa.Table) -> pa.Table:
        function, lost = pickle.loads(self._work)
        answers = []
        for row in table["batch"]:
            try:
                answer: Any = list(LocalEngine(1).map(function, [pickle.loads(row.as_py())], lost))
            except Exception as error:  # the function's own, which Ray would bury
                answer = error
            answers.append(pickle.dumps(answer))
        return pa.table({"answer": pa.array(answers, pa.binary())})
