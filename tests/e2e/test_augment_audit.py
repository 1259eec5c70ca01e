"""`curricle augment audit` as a process; and the real tiny policy, which a wrong flip does not escape."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.invariance import Wanted, audit_invariance
from flows.settings import AugmentSettings, InvarianceSettings, PolicySettings
from pipelines.corpora.registry import CORPORA
from pipelines.ingest import ingest
from pipelines.workspace import Workspace

CURRICLE = shutil.which("curricle", path=str(Path(sys.executable).parent)) or "curricle"


def run(*words: object) -> str:
    done = subprocess.run([CURRICLE, *map(str, words)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def audit(root: Path, policy: Path, *words: object) -> list[object]:
    options = ["--policy", policy, "--max-tokens", 4, "--pairs", 12, "--answers", 2]
    which = ["--transform", "jpeg", "--transform", "blur", "--workspace", root]
    return ["augment", "audit", *options, *which, *words]


def rollouts(root: Path) -> int:
    return int(Workspace(root).catalog.rows("select count(*) as n from rollouts")[0]["n"])


@pytest.mark.slow
def test_a_killed_audit_goes_on_and_says_what_it_found(tmp_path: Path, quick_policy: Path) -> None:
    root = tmp_path / "w"
    run("ingest", "digits", "--size", 120, "--workspace", root)
    estimate: dict[str, Any] = json.loads(run(*audit(root, quick_policy, "--dry-run", "--json")))
    assert rollouts(root) == 0
    assert {cell["transform"] for cell in estimate["cells"]} == {"jpeg"}
    assert {one["transform"] for one in estimate["forbidden"]} == {"blur"}
    command = [CURRICLE, *map(str, audit(root, quick_policy))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while rollouts(root) == 0 and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = json.loads(run(*audit(root, quick_policy, "--json")))
    assert rollouts(root) == estimate["rollouts"]
    assert left["rollouts"] < estimate["rollouts"]
    assert sum(one["pairs"] for one in left["findings"]) == sum(
        cell["pairs"] for cell in estimate["cells"]
    )
    # Too few pairs, or a policy that knows nothing: never a verdict that all is well.
    assert {one["verdict"] for one in left["findings"]} <= {"undecided", "no control"}
    table = run(*audit(root, quick_policy))
    assert "0 rollouts now" in table
    assert "needs about" in table


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_tiny_policy_catches_a_flip_that_the_table_was_made_to_allow(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    ingest(workspace, CORPORA["digits"], options={"size": 3000})
    summary = audit_invariance(
        workspace,
        PolicySettings(),
        InvarianceSettings(where="task = 'digits/place' and split = 'train'", pairs=120),
        AugmentSettings(),
        Wanted(transforms=("flip_horizontal", "jpeg"), allow=("flip_horizontal",)),
    )
    found = {one.transform: one for one in summary.findings}
    flip, jpeg = found["flip_horizontal"], found["jpeg"]
    assert (flip.verdict, flip.overridden) == ("loses", True)
    assert jpeg.verdict != "loses"
    assert flip.control_rate is not None
    assert flip.clean_rate is not None
    assert flip.control_rate < flip.clean_rate - 0.1
