"""From the shards of a version alone: its samples, its media, and the version with its very hash."""

import filecmp
import shutil
from pathlib import Path

import pytest
from breaking import a_medium, execute, flip
from small_catalog import a_plan, tried

from pipelines.curation.curate import curate
from pipelines.curation.manifest import DatasetError, read_manifest
from pipelines.curation.versions import rebuild, verify
from pipelines.doctor import examine
from pipelines.restore import restore
from pipelines.withdrawal import withdraw
from pipelines.workspace import Workspace, WrongUse
from train.training_set import open_training_set


def same_files(one: Path, other: Path) -> bool:
    names = [path.name for path in one.iterdir()]
    return filecmp.cmpfiles(one, other, names, shallow=False) == (names, [], [])


@pytest.fixture
def alone(sound: Workspace, tmp_path: Path) -> Path:
    """The folder of one version, and nothing else of its workspace."""
    shutil.copytree(sound.datasets / "small" / "1", tmp_path / "alone")
    return tmp_path / "alone"


def test_a_version_alone_gives_a_workspace_that_can_be_trained_on(
    sound: Workspace, alone: Path, tmp_path: Path
) -> None:
    new = Workspace(tmp_path / "new", lock_timeout=20)
    (version,) = restore(new, alone).versions
    assert (version.label, version.samples, version.media) == ("small@1", 8, 8)
    assert version.registered
    assert verify(new, "small", 1) == read_manifest(alone)
    assert same_files(alone, new.datasets / "small" / "1")
    query = "select * exclude (created_at) from samples where corpus = 'digits' order by sample_id"
    assert new.catalog.rows(query) == sound.catalog.rows(query)
    query = "from dataset_samples where dataset = 'small' order by position"
    assert new.catalog.rows(query) == sound.catalog.rows(query)
    assert len(new.catalog.rows("from candidates")) == 8
    trained = open_training_set(new, "small", None)
    assert trained.manifest_hash == open_training_set(sound, "small", None).manifest_hash
    assert [f.check for f in examine(new) if f.severity == "broken"] == []


def test_what_came_back_rebuilds_to_the_same_bytes(alone: Path, tmp_path: Path) -> None:
    new = Workspace(tmp_path / "new", lock_timeout=20)
    restore(new, alone)
    shutil.rmtree(new.datasets)
    rebuild(new, "small", 1)
    assert same_files(alone, new.datasets / "small" / "1")


def test_the_next_version_follows_the_one_that_came_back(alone: Path, tmp_path: Path) -> None:
    new = Workspace(tmp_path / "new", lock_timeout=20)
    restore(new, alone)
    ids = [row["sample_id"] for row in new.catalog.rows("select sample_id from samples")]
    tried(new, dict.fromkeys(ids, 4))
    plan = a_plan(where="corpus = 'digits'", order={"prompts_per_step": 2})
    assert curate(new, plan).label == "small@2"  # its control did not come back with it


def test_twice_brings_nothing_more_and_all_versions_come_from_one_folder(
    sound: Workspace, tmp_path: Path
) -> None:
    new = Workspace(tmp_path / "new", lock_timeout=20)
    first = restore(new, sound.datasets).versions
    assert [version.label for version in first] == ["small@1", "small-control@1"]
    assert all(version.registered for version in first)
    again = restore(new, sound.datasets).versions
    assert not any(version.registered or version.samples or version.media for version in again)


def test_lost_rows_and_media_of_a_version_come_back_in_place(sound: Workspace) -> None:
    folder = sound.datasets / "small" / "1"
    execute(sound, "delete from dataset_samples where dataset = 'small' and position > 2")
    execute(sound, "delete from samples where corpus = 'digits'")
    flip(a_medium(sound))
    (version,) = restore(sound, folder).versions
    assert (version.samples, version.media) == (8, 1)
    sound.catalog.snapshot()
    # Its corpus had never been ingested here; now the catalog knows a part of it.
    assert [finding.check for finding in examine(sound)] == ["corpus_cut_short"]


def test_a_damaged_version_is_refused_and_brings_nothing(
    sound: Workspace, alone: Path, tmp_path: Path
) -> None:
    flip(alone / "shard-00000.parquet", 4000)
    with pytest.raises(DatasetError, match=r"shard-00000\.parquet is damaged"):
        restore(Workspace(tmp_path / "new"), alone)
    assert not (tmp_path / "new").exists()
    with pytest.raises(WrongUse, match="neither a backup nor a dataset version"):
        restore(Workspace(tmp_path / "new"), sound.media.root)


def test_another_version_of_that_name_is_not_overwritten(
    sound: Workspace, alone: Path, tmp_path: Path
) -> None:
    execute(sound, "update datasets set manifest_hash = 'another' where dataset = 'small'")
    with pytest.raises(WrongUse, match="has another small@1"):
        restore(sound, alone)


def test_what_was_withdrawn_does_not_come_back(sound: Workspace, alone: Path) -> None:
    ids = sound.catalog.rows("select sample_id from samples where corpus = 'digits'")
    withdraw(sound, [ids[0]["sample_id"]], reason="privacy")
    execute(sound, "delete from datasets; delete from dataset_samples")
    with pytest.raises(WrongUse, match="was withdrawn"):
        restore(sound, alone)
    assert len(sound.catalog.rows("from samples where corpus = 'digits'")) == 7
