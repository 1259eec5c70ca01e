"""What is safe is put right: nothing is lost by it, and a second look finds the workspace sound."""

import os
import shutil

import pytest
from breaking import LONG_AGO, RUN_DEAD, a_medium, checks, execute, flip, write_in
from small_catalog import a_plan, picture_question

from pipelines.curation.curate import curate
from pipelines.curation.versions import verify
from pipelines.doctor import Repaired, catalog_file, examine, repair
from pipelines.record.media import BadMedia
from pipelines.record.sample import ask
from pipelines.withdrawal import NOTE
from pipelines.workspace import Workspace


def repaired(workspace: Workspace) -> list[Repaired]:
    """Repair until nothing more is to be done, as the command does."""
    done = repair(workspace, examine(workspace))
    return done + repair(workspace, examine(workspace))


def candidates(workspace: Workspace) -> set[str]:
    return {row["sample_id"] for row in workspace.catalog.rows("select sample_id from candidates")}


def showing(workspace: Workspace, media_id: str) -> set[str]:
    query = "select sample_id from sample_media where media_id = ?"
    return {row["sample_id"] for row in workspace.catalog.rows(query, media_id)}


def test_nothing_is_done_to_a_sound_workspace(sound: Workspace) -> None:
    assert repaired(sound) == []


def test_a_damaged_shard_is_rebuilt_to_the_same_bytes(sound: Workspace) -> None:
    shard = sound.datasets / "small" / "1" / "shard-00000.parquet"
    whole = shard.read_bytes()
    flip(shard, 4000)
    shutil.rmtree(sound.datasets / "small-control" / "1")
    assert {one.check for one in repaired(sound)} == {"dataset_damaged"}
    assert shard.read_bytes() == whole
    assert verify(sound, "small-control", 1)
    assert examine(sound) == []


def test_a_damaged_medium_is_taken_back_from_a_shard(sound: Workspace) -> None:
    damaged = a_medium(sound)
    whole = damaged.read_bytes()
    flip(damaged)
    assert [one.done for one in repaired(sound)] == ["media taken back from dataset shards: 1"]
    assert damaged.read_bytes() == whole
    assert examine(sound) == []


@pytest.mark.slow
def test_a_medium_that_nobody_has_is_set_aside(sound: Workspace) -> None:
    shutil.rmtree(sound.datasets)
    execute(sound, "delete from datasets; delete from dataset_samples")
    media_id = a_medium(sound).name
    flip(a_medium(sound))
    before, shown = candidates(sound), showing(sound, media_id)
    with pytest.raises(BadMedia, match="doctor --repair"):
        sound.media.read(media_id)
    assert repaired(sound)[0].done.startswith("media set aside")
    assert before - candidates(sound) == shown != set()
    found = checks(sound)
    assert set(found) == {"media_set_aside"}
    assert "ingest digits again" in found["media_set_aside"].todo
    assert curate(sound, a_plan(where="corpus = 'digits'")).samples == len(before) - 8 - len(shown)


def test_a_medium_that_healed_may_be_chosen_again(sound: Workspace) -> None:
    execute(sound, "insert into quarantine select media_id, 'damaged_file', now() from media")
    assert len(candidates(sound)) == 8
    assert set(checks(sound)) == {"media_healed"}
    repaired(sound)
    assert len(candidates(sound)) == 16
    assert examine(sound) == []


def test_leftovers_go_once_nobody_can_be_writing_them(sound: Workspace) -> None:
    old = [sound.media.root / ".tmp-a", sound.policies / ".tmp-tiny", sound.staging / "7-x"]
    young = sound.media.root / ".tmp-b"
    for path in (*old[1:],):
        path.mkdir(parents=True)
        (path / "part").write_text("half")
        os.utime(path / "part", (LONG_AGO, LONG_AGO))
    for path in (old[0], young):
        path.write_text("half")
    for path in old:
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert repaired(sound)
    assert not any(path.exists() for path in old)
    assert young.exists()
    assert set(checks(sound)) == {"half_written"}


def test_a_dead_run_is_marked_and_a_lost_view_made_anew(sound: Workspace) -> None:
    execute(sound, RUN_DEAD)
    execute(sound, "drop view honoured")
    assert {one.check for one in repaired(sound)} >= {"run_dead", "views"}
    (run,) = sound.catalog.rows("select status, ended_at from runs")
    assert run["status"] == "crashed"
    assert run["ended_at"]
    assert sound.catalog.rows("from honoured") == []


def test_a_withdrawal_that_was_cut_short_is_finished(sound: Workspace) -> None:
    gone = a_medium(sound)
    execute(sound, f"delete from media where media_id = '{gone.name}'")
    execute(sound, f"delete from sample_media where media_id = '{gone.name}'")
    (sound.root / f"{NOTE}1").write_text(f'["{gone.name}"]')
    assert "withdrawal_unfinished" in {one.check for one in repaired(sound)}
    assert not gone.exists()
    assert examine(sound) == []


def test_a_torn_log_is_folded_in_as_far_as_it_is_whole(sound: Workspace) -> None:
    write_in(sound)
    log = sound.catalog.log_path
    log.write_bytes(log.read_bytes()[:-3])
    assert checks(sound)["log_torn"].repair == "fold_log"
    repaired(sound)
    assert {row["name"] for row in sound.catalog.rows("from templates")} == {"one", "two"}
    assert examine(sound) == []


def test_a_missing_card_is_written_again(sound: Workspace) -> None:
    card = sound.datasets / "small" / "1" / "card.md"
    before = card.read_text()
    card.unlink()
    shutil.rmtree(sound.root / "data_cards")
    repaired(sound)
    assert card.read_text() == before
    assert (sound.root / "data_cards" / "small-control@1.md").is_file()


def test_a_file_that_is_mostly_free_is_written_anew(
    sound: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_file, "WORTH_COMPACTING", 2**20)
    rows = "select sha256(range::varchar) as x from range"
    execute(sound, f"create table ballast as {rows}(150000); create table last as {rows}(9000)")
    execute(sound, "drop table ballast")
    before = sound.catalog.path.stat().st_size
    assert checks(sound)["free_blocks"].severity == "notice"
    repaired(sound)
    assert sound.catalog.path.stat().st_size < before / 2
    assert examine(sound) == []


def test_what_cannot_be_repaired_says_why_and_stays(sound: Workspace) -> None:
    flip(sound.datasets / "small" / "1" / "shard-00000.parquet", 4000)
    execute(sound, "update samples set task = 'digits/other' where task = 'digits/read'")
    done = repair(sound, examine(sound))
    assert any(not one.succeeded and "cannot be rebuilt alike" in one.done for one in done)
    assert "dataset_damaged" in checks(sound)


def test_new_samples_of_a_quarantined_picture_are_set_aside_too(sound: Workspace) -> None:
    from pipelines.catalog.samples import add_samples

    again = picture_question(0)
    again = picture_question(0, prompt=ask("How green is it?", *again.media), source_ref="x")
    execute(
        sound,
        f"insert into quarantine values ('{again.media[0].media_id}', 'missing_file', now())",
    )
    with sound.catalog.write() as connection:
        add_samples(connection, [again])
    assert again.sample_id not in candidates(sound)
