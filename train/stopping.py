"""A run that is asked to stop finishes its step and keeps it in a checkpoint; asked twice, it ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any


@dataclass(slots=True)
class Wish:
    """Whether somebody wants the run to stop."""

    signal: int = 0
    """What was sent, such as SIGTERM; 0 while nobody wants it."""


@contextmanager
def heard() -> Iterator[Wish]:
    """Take the first SIGTERM or Ctrl-C as a wish; a second one does what it always does.

    Only a main thread hears signals: elsewhere nothing is changed.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: FrameType | None) -> None:
        wish.signal = number
        _handle(usual)

    _handle(dict.fromkeys(usual, note))
    try:
        yield wish
    finally:
        _handle(usual)


def _handle(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
