"""Croissant: valid by its own library, which reads the rows and checks the hashes of the shards."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from small_catalog import a_plan, filled, picture_question, sum_question

from pipelines.curation import shards
from pipelines.curation.croissant import _MEANINGS, CROISSANT_NAME
from pipelines.curation.curate import Frozen, curate
from pipelines.curation.manifest import read_manifest
from pipelines.curation.shards import SCHEMA, read_rows
from pipelines.curation.versions import rebuild
from pipelines.workspace import Workspace


@pytest.fixture
def frozen(workspace: Workspace) -> Frozen:
    filled(workspace, [1, 4, 7, 0, 8])
    filled(workspace, [2, 3], picture_question, licence="My own, CC-BY-4.0")
    return curate(workspace, a_plan())


def read(folder: Path) -> Any:
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    return mlcroissant.Dataset(folder / CROISSANT_NAME)


def same(given: Any, told: Any) -> bool:
    """Croissant gives text as bytes, and names the parts of a struct by their whole path."""
    if isinstance(told, list):
        return len(given) == len(told) and all(map(same, given, told))
    if isinstance(told, dict):
        return all(same(given[f"rows/media/{name}"], value) for name, value in told.items())
    return bool(given == (told.encode() if isinstance(told, str) else told))


def test_it_is_valid_and_gives_the_very_rows(frozen: Frozen) -> None:
    dataset = read(frozen.folder)
    assert not dataset.metadata.issues.errors
    # The date of publishing is whoever publishes it to add: bytes that are rebuilt hold no date.
    assert [w for w in dataset.metadata.issues.warnings if "datePublished" not in w] == []
    given = list(dataset.records("rows"))
    rows = list(read_rows(frozen.folder))
    assert len(given) == len(rows) == frozen.rows
    for row, record in zip(rows, given, strict=True):
        assert all(same(record[f"rows/{name}"], row[name]) for name in SCHEMA.names)
    assert any(record["rows/media"] for record in given)


def test_several_shards_are_read_in_their_order(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "ROWS_PER_SHARD", 4)
    filled(workspace, [1, 4, 7, 2, 3, 5])
    folder = curate(workspace, a_plan()).folder
    assert len(read_manifest(folder).shards) == 2
    positions = [record["rows/position"] for record in read(folder).records("rows")]
    assert positions == list(range(8))


def test_a_damaged_shard_is_noticed_by_whoever_reads_it(frozen: Frozen) -> None:
    import mlcroissant

    shard = frozen.folder / "shard-00000.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(mlcroissant.GenerationError):
        next(iter(read(frozen.folder).records("rows")))


def test_it_states_licences_sources_hashes_and_limits(frozen: Frozen) -> None:
    told = json.loads((frozen.folder / CROISSANT_NAME).read_text())
    assert told["license"] == [
        "https://spdx.org/licenses/CC-BY-4.0.html",
        "https://spdx.org/licenses/CC0-1.0.html",
        "My own",
    ]
    manifest = read_manifest(frozen.folder)
    assert (told["name"], told["version"]) == ("small", "1.0.0")
    assert manifest.manifest_hash in told["citeAs"]
    (shard,) = told["distribution"]
    assert shard["sha256"] == manifest.shards[0].sha256
    size = (frozen.folder / manifest.shards[0].name).stat().st_size
    assert shard["contentSize"] == f"{size} B"
    assert "tiny" in told["rai:machineAnnotationTools"][0]
    assert any("few tries" in limit for limit in told["rai:dataLimitations"])


def test_its_bytes_are_a_function_of_the_version(workspace: Workspace, frozen: Frozen) -> None:
    path = frozen.folder / CROISSANT_NAME
    before = path.read_bytes()
    assert str(workspace.root).encode() not in before
    path.unlink()
    rebuild(workspace, "small", 1)
    assert path.read_bytes() == before


def test_every_column_has_its_meaning() -> None:
    parts = [part.name for part in SCHEMA.field("media").type.value_type]
    assert set(_MEANINGS) == {*SCHEMA.names, *parts}


def test_a_control_has_metadata_of_its_own(workspace: Workspace) -> None:
    filled(workspace, [1, 4, 7], sum_question)
    control = curate(workspace, a_plan()).control_folder
    assert control is not None
    assert "random control for small@1" in read(control).metadata.description
