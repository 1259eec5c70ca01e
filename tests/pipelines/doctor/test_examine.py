"""Whatever is broken in a workspace is named, with what to do; nothing is changed by looking."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from breaking import LONG_AGO, RUN_DEAD, a_medium, checks, execute, flip, write_in

from pipelines.catalog.lock import workspace_lock
from pipelines.catalog.log import _checksum, torn_bytes
from pipelines.doctor import examine, is_sound
from pipelines.withdrawal import NOTE
from pipelines.workspace import Workspace


def test_a_sound_workspace_has_nothing_to_say(sound: Workspace) -> None:
    assert examine(sound) == []


def test_looking_changes_no_file(sound: Workspace) -> None:
    execute(sound, "delete from media where bytes > 0")
    flip(sound.datasets / "small" / "1" / "shard-00000.parquet")
    (sound.media.root / ".tmp-left").write_bytes(b"half")

    def state() -> dict[Path, tuple[int, int]]:
        files = [path for path in sound.root.rglob("*") if ".lock" not in path.parts]
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}

    before = state()
    assert not is_sound(examine(sound))
    assert state() == before


Break = Callable[[Workspace], object]

FILES: dict[str, Break] = {
    "media_missing_file": lambda w: a_medium(w).unlink(),
    "media_damaged_file": lambda w: flip(a_medium(w)),
    "media_misplaced": lambda w: (w.media.root / "notes.txt").write_text("mine"),
    "half_written": lambda w: (w.media.root / ".tmp-1").write_text(""),
    "dataset_damaged": lambda w: flip(w.datasets / "small" / "1" / "shard-00000.parquet", 4000),
    "card_missing": lambda w: (w.datasets / "small" / "1" / "card.md").unlink(),
    "shard_unknown": lambda w: shutil.copy(
        w.datasets / "small/1/shard-00000.parquet", w.datasets / "small/1/shard-00007.parquet"
    ),
    "dataset_unregistered": lambda w: shutil.copytree(
        w.datasets / "small" / "1", w.datasets / "small" / "2"
    ),
    "withdrawal_unfinished": lambda w: (w.root / f"{NOTE}1").write_text("[]"),
    "snapshot": lambda w: w.catalog.snapshot_path.unlink(),
    "leftovers": lambda w: (w.datasets / "small" / ".tmp-12").mkdir(),
}
MERE_NOTICES = {"media_misplaced", "half_written", "leftovers", "card_missing", "snapshot"}


@pytest.mark.parametrize("check", FILES)
def test_a_broken_file_is_named(sound: Workspace, check: str) -> None:
    FILES[check](sound)
    found = checks(sound)
    assert set(found) == {check}
    finding = found[check]
    assert finding.todo
    assert (finding.severity == "notice") == (check in MERE_NOTICES | {"dataset_unregistered"})


@pytest.mark.parametrize("name", ["manifest.json", "shard-00000.parquet"])
@pytest.mark.parametrize("cut", [0, 100])
def test_a_torn_file_of_a_version_is_named(sound: Workspace, name: str, cut: int) -> None:
    path = sound.datasets / "small" / "1" / name
    path.write_bytes(path.read_bytes()[:cut])
    found = checks(sound, quick=True)
    assert set(found) == {"dataset_damaged"}
    assert name in found["dataset_damaged"].what
    assert found["dataset_damaged"].things == ("small@1",)


def test_a_quick_look_sees_sizes_and_not_bytes(sound: Workspace) -> None:
    flip(a_medium(sound))
    assert checks(sound, quick=True) == {}
    a_medium(sound).write_bytes(b"short")
    assert set(checks(sound, quick=True)) == {"media_damaged_file"}


def test_a_file_that_no_row_names_is_an_orphan_once_nobody_can_be_writing_it(
    sound: Workspace,
) -> None:
    orphan = sound.media.path("ab" * 32)
    orphan.parent.mkdir()
    orphan.write_bytes(b"x")
    assert checks(sound) == {}
    os.utime(orphan, (LONG_AGO, LONG_AGO))
    assert set(checks(sound)) == {"media_orphans"}


ROWS = {
    "source_without_sample": "insert into sources (corpus, source_ref, sample_id) "
    "values ('digits', 'gone', 'nobody')",
    "sample_without_source": "delete from sources where corpus = 'sums'",
    "media_no_row": "delete from media",
    "rollout_without_sample": "update rollouts set sample_id = 'nobody' where k = 1",
    "rollout_without_unit": "delete from units",
    "grade_without_rollout": "insert into grades (rollout_id, reward_id) values ('nobody', 'x')",
    "duplicate_keys": "insert into samples from samples where corpus = 'digits' limit 1",
    "dataset_rows": "delete from dataset_samples where dataset = 'small' and position = 1",
    "dataset_row_without_version": "delete from datasets where dataset = 'small-control'",
    "view_without_parent": "insert into samples (sample_id, question_id, parent_id, history) "
    "values ('v', 'q', 'nobody', '[]')",
    "corpus_cut_short": "insert into corpora (corpus, complete) values ('sums', false)",
    "unit_unfinished": "insert into units (unit_id, job, kind, status, planned_at) "
    "values ('u', 'j', 'score', 'planned', '2020-01-01')",
    "difficulty_stale": "insert into policies (policy_id, name, first_seen) "
    "values ('newer', 'tiny', '2100-01-01'); update policies set kind = 'scripted', "
    "first_seen = coalesce(first_seen, '2020-01-01')",
    "run_dead": RUN_DEAD,
    "policy_gone": "insert into runs (run_id, status, trained_policy_id) values ('r', 'done', 'p')",
}
APART = {
    "manifest_row": "update datasets set manifest = replace(manifest, 'digits', 'digit5')",
    "rollout_without_policy": "delete from policies",
    "views": "create or replace view standing as select sample_id from samples",
    "schema_incomplete": "alter table media drop column frames",
}


def test_rows_that_contradict_each_other_are_named(sound: Workspace) -> None:
    execute(sound, ";".join(ROWS.values()))
    found = checks(sound)
    assert [check for check in ROWS if check not in found] == []
    assert all(finding.todo for finding in found.values())
    assert found["sample_without_source"].what.endswith("chooses them: 8")


@pytest.mark.parametrize("check", APART)
def test_a_changed_catalog_is_named(sound: Workspace, check: str) -> None:
    execute(sound, APART[check])
    assert set(checks(sound)) == {check}


def test_a_dropped_view_is_named_and_nothing_else(sound: Workspace) -> None:
    execute(sound, "drop view honoured")
    found = checks(sound)
    assert set(found) == {"views"}
    assert found["views"].things == ("honoured",)


def test_a_flipped_byte_in_the_catalog_is_found_by_reading_it_through(sound: Workspace) -> None:
    size, hit = sound.catalog.path.stat().st_size, 0
    whole = sound.catalog.path.read_bytes()
    for at in range(3 * 4096, size, size // 6):
        flip(sound.catalog.path, at)
        found = checks(sound)
        hit += bool(found.keys() & {"catalog", "catalog_damaged"})
        assert all(name in {"catalog", "catalog_damaged"} for name in found if name != "snapshot")
        sound.catalog.path.write_bytes(whole)
    assert hit >= 4  # the others lie in free blocks


@pytest.mark.parametrize("content", [b"", b"not a database", b"\0" * 20_000])
def test_a_catalog_that_is_none_is_named(sound: Workspace, content: bytes) -> None:
    sound.catalog.path.write_bytes(content)
    found = checks(sound)
    assert set(found) == {"catalog"}
    assert "catalog.ro.duckdb" in found["catalog"].todo
    assert sound.catalog.path.read_bytes() == content


def test_a_truncated_catalog_is_named(sound: Workspace) -> None:
    data = sound.catalog.path.read_bytes()
    sound.catalog.path.write_bytes(data[: len(data) // 2])
    assert checks(sound).keys() & {"catalog", "catalog_damaged"}


def test_a_catalog_that_is_gone_is_named_and_not_made_anew(sound: Workspace) -> None:
    sound.catalog.path.unlink()
    found = checks(sound)
    assert set(found) == {"catalog"}
    assert "hide the loss" in found["catalog"].what
    assert not sound.catalog.path.exists()


def test_a_newer_schema_and_an_older_one_are_told_apart(sound: Workspace) -> None:
    execute(sound, "insert into schema_version values (999, null)")
    newer = checks(sound)["schema_newer"]
    assert (newer.severity, newer.repair) == ("broken", "")
    execute(sound, "delete from schema_version where version > 3")
    older = checks(Workspace(sound.root))["schema_older"]
    assert (older.severity, older.repair) == ("notice", "migrate")


def test_a_newer_storage_version_is_named(sound: Workspace) -> None:
    data = bytearray(sound.catalog.path.read_bytes())
    assert 64 <= int.from_bytes(data[12:20], "little") < 70
    data[12:20] = (200).to_bytes(8, "little")
    data[:8] = _checksum(bytes(data[8:4096])).to_bytes(8, "little")
    sound.catalog.path.write_bytes(data)
    assert "newer DuckDB" in checks(sound)["catalog"].what


def test_a_whole_log_is_a_notice_and_a_torn_one_is_broken(sound: Workspace) -> None:
    write_in(sound)
    assert checks(sound)["log_left"].severity == "notice"
    log = sound.catalog.log_path
    whole = log.read_bytes()
    for cut in (1, 7, 30):
        log.write_bytes(whole[:-cut])
        assert torn_bytes(log) > 0
    assert checks(sound)["log_torn"].severity == "broken"
    log.write_bytes(whole)
    flip(log, -3)
    assert torn_bytes(log) > 3
    log.write_bytes(whole)
    assert torn_bytes(log) == 0
    with duckdb.connect(sound.catalog.path, read_only=True) as connection:
        assert connection.execute("select count(*) from templates").fetchone() == (3,)


def test_a_run_that_is_being_trained_is_not_dead(sound: Workspace) -> None:
    execute(sound, RUN_DEAD)
    lock = sound.runs / "r" / ".lock"
    with workspace_lock(lock, exclusive=True, timeout=1):
        assert checks(sound) == {}
    assert set(checks(sound)) == {"run_dead"}


def test_half_a_checkpoint_is_a_notice_and_half_a_policy_is_broken(sound: Workspace) -> None:
    for name in ("checkpoint-4", "final"):
        folder = sound.runs / "r" / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
    (sound.runs / "r" / "checkpoint-4" / "curricle.json").write_text(
        json.dumps({"facts": {}, "files": {"model.safetensors": 1}})
    )
    found = checks(sound)
    assert found["checkpoint_incomplete"].severity == "notice"
    assert found["policy_incomplete"].severity == "broken"


def test_weights_that_are_not_those_that_answered_are_named(sound: Workspace) -> None:
    folder = sound.policies / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert set(checks(sound)) == {"policy_stale"}
    assert checks(sound, quick=True) == {}


def test_a_workspace_that_somebody_writes_to_is_looked_at_when_it_is_free(
    sound: Workspace,
) -> None:
    busy = Workspace(sound.root, lock_timeout=0.1)
    script = "import sys, time; from pathlib import Path; from pipelines.catalog.lock import *\n"
    script += "with workspace_lock(Path(sys.argv[1]), exclusive=True, timeout=1):\n"
    script += "    print('held', flush=True); time.sleep(60)\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(sound.catalog.lock_folder)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        found = checks(busy)
        assert set(found) == {"lock", "lock_held"}
        assert str(holder.pid) in found["lock"].what
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()  # type: ignore[union-attr]
    assert checks(busy) == {}
