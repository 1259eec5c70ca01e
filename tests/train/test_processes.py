"""Two processes train as one: the same rows in the same order, told once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_world import settings

from pipelines.workspace import Workspace, WrongUse
from train.launch import train
from train.trl_settings import trl_settings

SCRIPT = """
import sys
from pathlib import Path
from small_world import settings, use_early_letters
from pipelines.workspace import Workspace
from train.launch import train

with use_early_letters():
    train(Workspace(Path(sys.argv[1]), lock_timeout=20),
          settings(Path(sys.argv[2]), eval_samples=0, max_steps=10))
"""
PLANNED = """
select step, slot, position, sample_id from train_groups where came = 'planned' order by step, slot
"""


@pytest.mark.slow
def test_two_processes_consume_the_sequence_of_one(
    fresh: Workspace, curated: Path, start: Path, tmp_path: Path
) -> None:

    alone = Workspace(shutil.copytree(curated, tmp_path / "alone"), lock_timeout=20)
    train(alone, settings(start, eval_samples=0, max_steps=10))
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1])])
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*launcher, "--standalone", str(script), str(fresh.root), str(start)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert fresh.catalog.rows(PLANNED) == alone.catalog.rows(PLANNED) != []
    answers = "select count(*) as n, count(distinct rollout_id) as ids from rollouts where step > 0"
    assert fresh.catalog.rows(answers) == [{"n": 80, "ids": 80}]
    assert fresh.catalog.rows("select environment->>'processes' as n from runs") == [{"n": "2"}]


def test_prompts_that_processes_cannot_share_are_refused(start: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be shared by 3"):
        trl_settings(settings(start), tmp_path, 1, processes=3)
