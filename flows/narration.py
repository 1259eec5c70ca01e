"""What a run tells whoever watches: sentences to the log, and progress to a bar if there is one."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pipelines.workspace import Progress, silent

log = logging.getLogger("curricle")

_progress: ContextVar[Progress] = ContextVar("progress", default=silent)


def say(lines: Iterable[str]) -> None:
    """Tell whoever reads the log of this run."""
    for line in lines:
        log.info(line)


def progress(what: str, done: int, total: int | None) -> None:
    """Report to whoever watches this run; nobody by default."""
    _progress.get()(what, done, total)


@contextmanager
def watched(by: Progress) -> Iterator[None]:
    """Show progress while the body runs."""
    token = _progress.set(by)
    try:
        yield
    finally:
        _progress.reset(token)
