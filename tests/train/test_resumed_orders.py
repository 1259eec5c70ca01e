"""Whatever chooses the rows, a run that was broken off goes on as if nothing had happened."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from small_world import settings

from pipelines.workspace import Progress, Workspace
from train.curricula.settings import Source
from train.launch import train

QUICK = ("adarft",)
SOURCES = [
    pytest.param(source, marks=() if source in QUICK else pytest.mark.slow)
    for source in get_args(Source)
]
SEEN = """
select step, slot, position, came, entered, padded, age from train_groups g
join units u using (unit_id) where g.attempt = u.attempt order by step, slot
"""
COMPLETIONS = """
select step, sample_id, k, completion, advantage from graded where purpose = 'train' order by all
"""

SCRIPT = """
import json, os, sys
from pathlib import Path
from small_world import settings, use_early_letters
from pipelines.workspace import Workspace
from train.launch import train

def progress(what, done, total):
    if what == "training steps" and done == int(sys.argv[3]):
        os.kill(os.getpid(), 9)

with use_early_letters():
    train(Workspace(Path(sys.argv[1]), lock_timeout=20),
          settings(Path(sys.argv[2]), **json.loads(sys.argv[4])), progress)
"""


def changes(source: str) -> dict[str, Any]:
    return {
        "curriculum": {"by": source},
        "refill": {"rounds": 1},
        "replay": {},
        "eval_samples": 0,
        "max_steps": 6,
        "save_every": 2,
    }


def broken_off_at(step: int) -> Progress:
    def progress(what: str, done: int, _total: int | None) -> None:
        if what == "training steps" and done == step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("source", SOURCES)
def test_a_run_that_was_broken_off_sees_the_same_rows(
    source: str, fresh: Workspace, curated: Path, start: Path, tmp_path: Path
) -> None:

    config = settings(start, **changes(source))
    undisturbed = Workspace(shutil.copytree(curated, tmp_path / "other"), lock_timeout=20)
    whole = train(undisturbed, config)
    with pytest.raises(KeyboardInterrupt):
        train(fresh, config, broken_off_at(random.Random(source).choice([3, 5])))
    again = train(fresh, config)
    assert again.run_id == whole.run_id
    assert fresh.catalog.rows(SEEN) == undisturbed.catalog.rows(SEEN) != []
    assert fresh.catalog.rows(COMPLETIONS) == undisturbed.catalog.rows(COMPLETIONS) != []
    assert again.trained_policy_id == whole.trained_policy_id


@pytest.mark.slow
@pytest.mark.parametrize("source", get_args(Source))
def test_a_run_that_was_killed_again_and_again_sees_the_same_rows(
    source: str, fresh: Workspace, curated: Path, start: Path, tmp_path: Path
) -> None:

    undisturbed = Workspace(shutil.copytree(curated, tmp_path / "other"), lock_timeout=20)
    whole = train(undisturbed, settings(start, **changes(source)))
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1])])
    for step in sorted(random.Random(source).sample(range(1, 6), 2)):
        command = [sys.executable, "-c", SCRIPT, str(fresh.root), str(start), str(step)]
        done = subprocess.run(
            [*command, json.dumps(changes(source))],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
        assert done.returncode == -9, done.stderr.decode()
    again = train(fresh, settings(start, **changes(source)))
    assert fresh.catalog.rows(SEEN) == undisturbed.catalog.rows(SEEN) != []
    assert again.trained_policy_id == whole.trained_policy_id
