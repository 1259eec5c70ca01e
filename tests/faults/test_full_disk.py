"""A full disk: the command ends and names it, what was acknowledged is there, the rest comes later."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ingest_process
import pytest
from commands import Cli
from small_catalog import filled, picture_question
from small_disk import SmallDisk

import pipelines.ingest
from flows.cli import common
from flows.cli.errors import explain
from pipelines.workspace import Workspace

KIB = 1024
MAKING = "name = 'pictures'\n[band]\nlow = 0.0\nhigh = 1.0\n[evidence]\nminimum = 1\n"


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BATCH", "BURST"):  # put back what `bring_in_here` sets
        monkeypatch.setattr(pipelines.ingest, name, getattr(pipelines.ingest, name))
    return ingest_process.write_corpus(tmp_path / "corpus", 0)


@pytest.fixture
def on_disk(disk: SmallDisk) -> Iterator[Workspace]:
    workspace = Workspace(disk.root / "w", lock_timeout=20)
    workspace.catalog.ready()
    common.opened[:] = [workspace]
    yield workspace
    common.opened.clear()


@pytest.mark.parametrize(
    "leave",
    [
        1500 * KIB,
        *(
            pytest.param(size * KIB, marks=pytest.mark.slow)
            for size in (0, 4, 40, 300, 700, 1100, *range(2000, 5000, 250))
        ),
    ],
)
def test_an_ingest_keeps_what_it_acknowledged_and_goes_on_when_there_is_room(
    disk: SmallDisk, on_disk: Workspace, corpus: Path, tmp_path: Path, leave: int
) -> None:
    acknowledged = [0]

    def told(_what: str, done: int, _total: int | None) -> None:
        acknowledged.append(done)

    disk.leave(leave)
    try:
        ingest_process.bring_in_here(on_disk, corpus, "r1", told)
    except Exception as error:
        said, code = explain(error)
        assert (code, f"the disk that holds {disk.root}" in said) == (1, True), said
    again = Workspace(on_disk.root, lock_timeout=20)
    # What was committed just before there was no room for its snapshot is there too.
    assert 0 <= _records(again) - acknowledged[-1] <= 16
    _media_are_whole(again)
    disk.empty()
    ingest_process.bring_in_here(again, corpus, "r1")
    whole = Workspace(tmp_path / "whole")
    ingest_process.bring_in_here(whole, corpus, "r1")
    ids = "select sample_id from samples order by 1"
    assert again.catalog.rows(ids) == whole.catalog.rows(ids)
    _media_are_whole(again)


def _records(workspace: Workspace) -> int:
    return _count(workspace, "sources") + _count(workspace, "rejects")


def _count(workspace: Workspace, table: str) -> int:
    return int(workspace.catalog.rows(f"select count(*) as n from {table}")[0]["n"])


def _media_are_whole(workspace: Workspace) -> None:
    for row in workspace.catalog.rows("select media_id from media"):
        workspace.media.read(row["media_id"])
    assert list(workspace.media.root.glob("??/.tmp-*")) == []


def test_a_snapshot_that_finds_no_room_leaves_the_last_one_as_it_was(
    disk: SmallDisk, on_disk: Workspace
) -> None:
    before = on_disk.catalog.snapshot().read_bytes()
    filled(on_disk, [4] * 30)
    disk.leave(200 * KIB)
    with pytest.raises(OSError, match="No space left") as caught:
        on_disk.catalog.snapshot()
    assert f"the disk that holds {disk.root}" in explain(caught.value)[0]
    assert on_disk.catalog.snapshot_path.read_bytes() == before
    assert list(on_disk.root.glob(".tmp-*")) == []
    disk.empty()
    assert on_disk.catalog.snapshot().read_bytes() != before


def test_a_set_that_finds_no_room_is_no_version_and_an_export_is_no_folder(
    disk: SmallDisk, on_disk: Workspace, cli: Cli
) -> None:
    filled(on_disk, [3] * 40, picture_question)
    cli.root, plan = on_disk.root, on_disk.root / "plan.toml"
    plan.write_text(MAKING)
    disk.leave(12 * KIB)
    _is_full(cli, disk, "curate", plan)
    assert _count(on_disk, "datasets") == 0
    assert list(on_disk.datasets.rglob("*.parquet")) == []
    disk.empty()
    assert cli("curate", plan).code == 0
    out = disk.root / "export"
    disk.leave(12 * KIB)
    _is_full(cli, disk, "export", "pictures", "--to", "verl", "--out", out)
    assert not out.exists()
    assert [path.name for path in disk.root.iterdir() if path.name.startswith(".tmp-")] == []
    disk.empty()
    assert cli("export", "pictures", "--to", "verl", "--out", out).code == 0


def _is_full(cli: Cli, disk: SmallDisk, *words: Any) -> None:
    said = cli(*words)
    assert said.code == 1
    assert said.is_one_sentence, said.err
    assert f"the disk that holds {disk.root}" in said.err


def _complaint(work: Callable[[], object]) -> str:
    """Give what is said of work that fails, whatever the library calls it."""
    try:
        work()
    except Exception as error:
        said, code = explain(error)
        assert code == 1, said
        return said
    return "it did not fail"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("leave", [0, 100 * KIB, 700 * KIB])
def test_a_run_whose_checkpoint_finds_no_room_goes_on_when_there_is_some(
    disk: SmallDisk, tmp_path: Path, leave: int
) -> None:
    import small_world

    from train.launch import train

    start = small_world.vision_policy(tmp_path / "policy")
    with small_world.use_early_letters():
        workspace = small_world.filled(disk.root / "w")
        small_world.freeze(workspace)
        whole = Workspace(Path(shutil.copytree(workspace.root, tmp_path / "whole")))
        config = small_world.settings(start, max_steps=8)
        expected = train(whole, config)
        common.opened[:] = [workspace]

        def filling(what: str, done: int, _total: int | None) -> None:
            if what == "training steps" and done == 3:
                disk.leave(leave)

        said = _complaint(lambda: train(workspace, config, filling))
        common.opened.clear()
        assert f"the disk that holds {disk.root}" in said
        disk.empty()
        result = train(Workspace(workspace.root, lock_timeout=20), config)
    assert (result.run_id, result.steps) == (expected.run_id, 8)
    answers = (
        "select step, sample_id, k, completion from graded where purpose = 'train' "
        "order by step, sample_id, k"
    )
    assert workspace.catalog.rows(answers) == whole.catalog.rows(answers)
