"""Batches on a Ray cluster: Ray Data maps them, Arrow tables carry them, and order is kept.

Ray runs a batch again when its worker dies. One that kills its worker every time is tried an
item at a time, as on one machine.
"""

import logging
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from pipelines.engine import Lost, one_by_one

T = TypeVar("T")
R = TypeVar("R")

WINDOW = 64
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
        """Hand the batches over in windows, so that a long corpus is never held whole."""
        self._connect()
        stream = iter(batches)
        while window := list(islice(stream, WINDOW * max(1, self.workers))):
            yield from self._window(function, window, lost)

    def _window(
        self,
        function: Callable[[list[T]], R],
        window: list[list[T]],
        lost: Callable[[T, str], R],
    ) -> Iterator[R]:
        try:
            yield from self._results(function, window)
        except Lost:
            if len(window) == 1:
                ask = lambda items: next(self._results(function, [items]))  # noqa: E731
                yield from one_by_one(ask, window[0], lost)
                return
            # Which batch it was is not said: each is tried by itself.
            for batch in window:
                yield from self._window(function, [batch], lost)

    def _results(self, function: Callable[[list[T]], R], window: list[list[T]]) -> Iterator[R]:
        import ray
        from ray.exceptions import RayError

        tables = [pa.table({"batch": pa.array([pickle.dumps(batch)])}) for batch in window]
        data = ray.data.from_arrow(tables).map_batches(
            _Apply(function),
            batch_format="pyarrow",
            batch_size=1,
            concurrency=self.workers or None,
        )
        try:
            # All of a window or nothing: what was given may not be given again after a death.
            results = [
                pickle.loads(value.as_py())
                for table in data.iter_batches(batch_format="pyarrow", batch_size=None)
                for value in table["result"]
            ]
        except RayError as error:
            raise Lost(str(error).splitlines()[0][:200]) from error
        yield from results

    def _connect(self) -> None:
        import ray

        if not ray.is_initialized():
            ray.init(
                address=self.address or None,
                num_cpus=None if self.address else self.workers or None,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        context: Any = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False


class _Apply:
    """What runs on the cluster: one row holds one batch."""

    def __init__(self, function: Callable[[list[T]], R]) -> None:
        self._function = pickle.dumps(function)

    def __call__(self, table: pa.Table) -> pa.Table:
        function = pickle.loads(self._function)
        results = [pickle.dumps(function(pickle.loads(row.as_py()))) for row in table["batch"]]
        return pa.table({"result": pa.array(results, pa.binary())})
