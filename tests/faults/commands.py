"""The command line as a person has it: in a process of its own, or quickly within this one."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from flows.cli import common
from flows.cli.main import run


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def is_one_sentence(self) -> bool:
        """Whether all that it complained about is one line for a person."""
        return self.err.count("\n") == 1 and self.err.startswith("curricle: ")


class Cli:
    """Runs commands in one workspace, within this process."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.capsys = root, capsys

    def __call__(self, *words: object) -> Said:
        common.opened.clear()
        code = run([*map(str, words), "--workspace", str(self.root)])
        printed = self.capsys.readouterr()
        return Said(code, printed.out, printed.err)


def started(
    words: Sequence[object], *, before: str = "", **options: str
) -> "subprocess.Popen[str]":
    """Start a command as a process, with what is to be done to that process first, in Python."""
    code = f"{before}\nimport sys\nfrom flows.cli.main import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        | options,
    )


def ended(process: "subprocess.Popen[str]", timeout: float = 120) -> Said:
    """Wait for a command."""
    out, err = process.communicate(timeout=timeout)
    return Said(process.returncode, out, err)
