"""Struck at one operation after another, every stage is finished by the same command again.

What then lies in the workspace (rows, ids, manifests, shards, exports, media) is what a run that
nobody disturbed leaves; nothing is there twice and nothing half.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import stage_process
from stage_process import STAGES


def strikes(
    folder: Path, how: str, names: Sequence[str], first: int, step: int
) -> list[dict[str, Any]]:
    """Strike some stages at some operations and give what came of each strike."""
    script = str(Path(stage_process.__file__))
    done = subprocess.run(
        [sys.executable, script, str(folder), how, str(first), str(step), *names],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def _is_finished_by_the_next(found: Sequence[dict[str, Any]]) -> None:
    assert [told for told in found if told["again"] or told["differs"]] == []
    struck = {told["stage"] for told in found if told["status"] == -9 or told["ended"]["hit"]}
    assert struck == {told["stage"] for told in found} != set()


def test_killed_here_and_there_curating_and_withdrawing_end_as_undisturbed(tmp_path: Path) -> None:
    _is_finished_by_the_next(strikes(tmp_path, "killed", ["curate", "withdraw"], 12, 0))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", STAGES)
def test_killed_at_every_operation_a_stage_ends_as_undisturbed(name: str, tmp_path: Path) -> None:
    _is_finished_by_the_next(strikes(tmp_path, "killed", [name], 1, 1))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", STAGES)
def test_refused_any_write_a_stage_says_so_and_ends_later_as_undisturbed(
    name: str, tmp_path: Path
) -> None:
    found = strikes(tmp_path, "full", [name], 1, 1)
    _is_finished_by_the_next(found)
    for told in found:
        for hit in told["ended"]["hit"]:
            what, _, path = hit.partition(" ")
            if what in ("open", "half"):  # a folder that is there already needs no room
                said, code = told["ended"]["said"]
                assert (code, "the disk that holds" in said) == (1, True), (path, said)
