"""A killed run goes on from its last whole checkpoint and asks what it would have asked."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_world import Trained, settings

from pipelines.stopping import Stopped
from pipelines.workspace import Progress, Workspace, WrongUse
from train.checkpoints import Mark, mark, newest_complete, read_mark
from train.launch import train

KILLED_AT = 10
CHECKPOINT = 8

SCRIPT = f"""
import os, sys
from pathlib import Path
from small_world import settings, use_early_letters
from pipelines.workspace import Workspace
from train.launch import train

def progress(what, done, total):
    if what == "training steps" and done == {KILLED_AT}:
        os.kill(os.getpid(), 9)

with use_early_letters():
    train(Workspace(Path(sys.argv[1])), settings(Path(sys.argv[2])), progress)
"""


def train_and_kill(workspace: Workspace, start: Path) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(workspace.root), str(start)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()


@pytest.mark.slow
def test_a_killed_run_asks_what_an_undisturbed_one_asks(
    fresh: Workspace, start: Path, trained: Trained
) -> None:
    train_and_kill(fresh, start)
    result = train(fresh, settings(start))

    assert result.run_id == trained.result.run_id
    assert not result.found_done
    counted = (
        "select step, sample_id, k, completion from graded where purpose = 'train' "
        "order by step, sample_id, k"
    )
    assert fresh.catalog.rows(counted) == trained.workspace.catalog.rows(counted)

    redone = fresh.catalog.rows(
        "select step, list(distinct attempt order by attempt) as attempts, "
        "count(*) filter (superseded) as superseded, count(*) as n "
        "from rollout_status where purpose = 'train' group by step order by step"
    )
    for row in redone:
        again = CHECKPOINT < row["step"] <= KILLED_AT
        assert row["attempts"] == ([1, 2] if again else [1] if row["step"] <= CHECKPOINT else [2])
        assert (row["n"], row["superseded"]) == ((16, 8) if again else (8, 0))
    assert not list((fresh.runs / result.run_id / "parts").iterdir())


def interrupted_at(step: int) -> Progress:
    def progress(what: str, done: int, _total: int | None) -> None:
        if what == "training steps" and done == step:
            raise KeyboardInterrupt

    return progress


def test_half_a_checkpoint_is_not_resumed_from(tmp_path: Path) -> None:
    for step in (4, 8, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (4, 8):
        mark(tmp_path / f"checkpoint-{step}", Mark("run", step, "hash", {"consumed": step}))
    assert newest_complete(tmp_path) == tmp_path / "checkpoint-8"
    assert not (tmp_path / "checkpoint-12").exists()


def test_a_checkpoint_that_was_cut_short_is_not_resumed_from(tmp_path: Path) -> None:
    for step in (4, 8):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_bytes(b"1234")
        mark(folder, Mark("run", step, "hash", {"consumed": step}))
    (tmp_path / "checkpoint-8" / "weights").write_bytes(b"12")
    assert newest_complete(tmp_path) == tmp_path / "checkpoint-4"


def test_a_changed_manifest_is_refused(fresh: Workspace, start: Path) -> None:
    with fresh.catalog.write() as connection:
        connection.execute("update datasets set manifest_hash = 'another'")
    with pytest.raises(WrongUse, match="not the one that say@1 was frozen with"):
        train(fresh, settings(start))


def test_a_checkpoint_of_another_manifest_is_refused(fresh: Workspace, start: Path) -> None:
    config = settings(start, eval_samples=0)
    with pytest.raises(KeyboardInterrupt):
        train(fresh, config, interrupted_at(5))
    checkpoint = newest_complete(next(fresh.runs.iterdir()))
    assert checkpoint is not None
    facts = read_mark(checkpoint)
    assert facts is not None
    mark(checkpoint, Mark(facts.run_id, facts.step, "another", facts.order))
    with pytest.raises(WrongUse, match="another manifest of say@1"):
        train(fresh, config)


def test_an_interrupted_run_says_so_and_can_go_on(fresh: Workspace, start: Path) -> None:
    config = settings(start, max_steps=4, eval_samples=0)
    with pytest.raises(KeyboardInterrupt):
        train(fresh, config, interrupted_at(2))
    assert fresh.catalog.rows("select status from runs")[0]["status"] == "stopped"
    assert train(fresh, config).steps == 4
    assert fresh.catalog.rows("select status from runs")[0]["status"] == "done"


def test_a_checkpoint_of_another_order_is_refused_in_one_sentence(
    fresh: Workspace, start: Path
) -> None:
    config = settings(start, eval_samples=0)
    with pytest.raises(KeyboardInterrupt):
        train(fresh, config, interrupted_at(5))
    checkpoint = newest_complete(next(fresh.runs.iterdir()))
    assert checkpoint is not None
    facts = read_mark(checkpoint)
    assert facts is not None
    mark(checkpoint, replace(facts, order={**facts.order, "prompts": 7}))
    with pytest.raises(WrongUse, match="cannot be gone on from"):
        train(fresh, config)


def test_a_run_that_is_asked_to_stop_keeps_its_step_and_goes_on_from_there(
    fresh: Workspace, start: Path, trained: Trained
) -> None:
    def asked(what: str, done: int, _total: int | None) -> None:
        if what == "training steps" and done == KILLED_AT:
            signal.raise_signal(signal.SIGTERM)

    usual = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped) as stopped:
        train(fresh, settings(start), asked)
    assert stopped.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is usual
    assert fresh.catalog.rows("select status from runs")[0]["status"] == "stopped"
    checkpoint = newest_complete(fresh.runs / trained.result.run_id)
    assert checkpoint is not None
    assert checkpoint.name == f"checkpoint-{KILLED_AT + 1}"
    assert train(fresh, settings(start)).steps == trained.result.steps
    answers = (
        "select step, sample_id, k, completion, superseded from rollout_status "
        "where purpose = 'train' order by step, sample_id, k"
    )
    assert fresh.catalog.rows(answers) == trained.workspace.catalog.rows(answers)
