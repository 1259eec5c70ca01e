"""The far side of `worker.py`: answer questions line by line, and outlive none for long."""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

GRACE = 5
"""Seconds after which the kernel ends a worker whose parent did not."""


def serve(answer: Callable[[Any], object]) -> None:
    """Answer each line `[question, seconds]` of the input; null asks whether it is there."""
    # Libraries and users' code may print: the pipe is ours alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # The default action of the alarm ends the process even where Python code cannot run.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for line in sys.stdin:
        question, seconds = json.loads(line)
        signal.alarm(int(seconds) + GRACE)
        said = None if question is None else answer(question)
        signal.alarm(0)
        answers.write(json.dumps(said) + "\n")
        answers.flush()
