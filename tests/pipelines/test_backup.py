"""A backup is a workspace: consistent, incremental, and never worse than the one before."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from breaking import a_medium, execute, flip
from small_catalog import add, picture_question

from pipelines.backup import backup
from pipelines.catalog import CatalogError
from pipelines.doctor import examine
from pipelines.restore import restore
from pipelines.withdrawal import withdraw
from pipelines.workspace import Workspace, WrongUse

WRITER = """
import sys
from pathlib import Path
from small_catalog import add, picture_question
from pipelines.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]), lock_timeout=60)
for number in range(100, 200):
    add(workspace, [picture_question(number)])
    print(number, flush=True)
"""


def files(root: Path) -> dict[str, bytes]:
    """What a workspace holds, the catalogs and locks apart."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "catalog." not in path.name and ".lock" not in path.parts
    }


def test_a_backup_comes_back_as_it_was(sound: Workspace, tmp_path: Path) -> None:
    (sound.root / "curricle.toml").write_text("seed = 3\n")
    (sound.root / "rewards").mkdir()
    (sound.root / "rewards" / "mine.py").write_text("# my own\n")
    (sound.runs / "r" / "final").mkdir(parents=True)
    (sound.runs / "r" / "final" / "model.safetensors").write_bytes(b"weights")
    (sound.runs / "r" / "checkpoint-1").mkdir()
    (sound.runs / "r" / "checkpoint-1" / "model.safetensors").write_bytes(b"half")
    done = backup(sound, tmp_path / "second disk")
    assert (done.samples, done.versions, done.damaged) == (16, 2, [])
    shutil.rmtree(sound.runs / "r" / "checkpoint-1")
    before, rows = files(sound.root), sound.catalog.rows("from rollouts order by rollout_id")
    shutil.rmtree(sound.root)

    again = Workspace(tmp_path / "new", lock_timeout=20)
    restore(again, tmp_path / "second disk")
    assert files(again.root) == before
    assert again.catalog.rows("from rollouts order by rollout_id") == rows
    assert examine(again) == examine(Workspace(tmp_path / "second disk"))
    with pytest.raises(WrongUse, match="name a new folder"):
        restore(again, tmp_path / "second disk")


def test_the_second_backup_copies_only_what_is_new(sound: Workspace, tmp_path: Path) -> None:
    first = backup(sound, tmp_path / "b")
    assert first.copied > 8
    second = backup(sound, tmp_path / "b")
    assert (second.copied, second.kept, second.removed) == (0, first.copied, 0)
    add(sound, [picture_question(77)])
    assert backup(sound, tmp_path / "b").copied == 1
    assert examine(Workspace(tmp_path / "b")) == []


def test_what_was_withdrawn_leaves_the_backup_too(sound: Workspace, tmp_path: Path) -> None:
    backup(sound, tmp_path / "b")
    (held,) = sound.catalog.rows("select min(sample_id) as s from samples where corpus = 'digits'")
    withdraw(sound, [held["s"]], reason="privacy")
    assert backup(sound, tmp_path / "b").removed == 1
    copy = Workspace(tmp_path / "b")
    assert len(list(copy.media.root.glob("??/*"))) == 7
    assert len(copy.catalog.rows("from withdrawals")) == 1


def test_damage_is_named_and_never_copied_over_what_was_whole(
    sound: Workspace, tmp_path: Path
) -> None:
    backup(sound, tmp_path / "b")
    new = picture_question(50)
    add(sound, [new])
    shard = sound.datasets / "small" / "1" / "shard-00000.parquet"
    for path in (sound.media.path(new.media[0].media_id), a_medium(sound), shard):
        flip(path)
    done = backup(sound, tmp_path / "b")
    assert [Path(path).name for path in done.damaged] == [new.media[0].media_id]
    execute(sound, "create table huge as select sha256(range::varchar) as x from range(20000)")
    kept = (tmp_path / "b" / "catalog.duckdb").read_bytes()
    data = bytearray(sound.catalog.path.read_bytes())
    for at in range(3 * 4096, len(data), 50_000):
        data[at] ^= 1
    sound.catalog.path.write_bytes(data)
    with pytest.raises(CatalogError):
        backup(Workspace(sound.root), tmp_path / "b")
    assert (tmp_path / "b" / "catalog.duckdb").read_bytes() == kept


def test_a_backup_that_is_cut_short_is_still_the_one_before(
    sound: Workspace, tmp_path: Path
) -> None:
    backup(sound, tmp_path / "b")
    add(sound, [picture_question(i) for i in range(60, 64)])

    def killed(what: str, done: int, _total: int | None) -> None:
        if what == "copying datasets":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(sound, tmp_path / "b", progress=killed)
    assert Workspace(tmp_path / "b").catalog.rows("select count(*) as n from media") == [{"n": 8}]
    backup(sound, tmp_path / "b")
    assert examine(Workspace(tmp_path / "b")) == []
    assert not list((tmp_path / "b").rglob(".tmp-*"))


@pytest.mark.slow
def test_others_go_on_writing_while_it_is_made(sound: Workspace, tmp_path: Path) -> None:
    here = Path(__file__).parents[2]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(sound.root)],
        env={"PYTHONPATH": f"{here}:{here / 'tests/pipelines/curation'}"},
        stdout=subprocess.PIPE,
    )
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        done = backup(sound, tmp_path / "b")
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()  # type: ignore[union-attr]
    assert done.samples > 16
    assert done.damaged == []
    assert [f for f in examine(Workspace(tmp_path / "b")) if f.severity == "broken"] == []


@pytest.mark.parametrize("place", ["workspace", "workspace/inside", "."])
def test_a_backup_lies_apart(sound: Workspace, tmp_path: Path, place: str) -> None:
    with pytest.raises(WrongUse, match="lie in each other"):
        backup(sound, tmp_path / place)


def test_a_folder_with_something_else_is_not_backed_up_into(
    sound: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("")
    with pytest.raises(WrongUse, match="holds something else"):
        backup(sound, tmp_path / "thesis")
