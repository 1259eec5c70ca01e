"""Shards: the same bytes from the same catalog, checked before they are read, whole on their own."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_catalog import a_plan, add, filled, picture_question, sum_question, tried

from pipelines.curation.curate import Frozen, curate
from pipelines.curation.manifest import DatasetError, read_manifest
from pipelines.curation.shards import SCHEMA, media_reader, read_rows, shard_samples
from pipelines.curation.versions import rebuild, verify
from pipelines.policies.render import render
from pipelines.policies.templates import TEMPLATES
from pipelines.withdrawal import withdraw
from pipelines.workspace import Workspace


def mixed(workspace: Workspace, *, backwards: bool = False) -> Frozen:
    """Curate pictures and sums that were ingested in one order or the other."""
    pictures = [picture_question(i) for i in range(130)]
    sums = [sum_question(i) for i in range(9)]
    # One sample is in two corpora; the first by name is shown.
    twice = [replace(sums[0], corpus="arithmetic", source_ref="a/1", licence="MIT")]
    batches = [pictures, sums, twice]
    for batch in reversed(batches) if backwards else batches:
        add(workspace, batch[::-1] if backwards else batch)
    rights = {s.sample_id: 1 + i % 6 for i, s in enumerate(pictures + sums)}
    for part in (0, 1) if backwards else (1, 0):
        tried(
            workspace,
            {key: right for i, (key, right) in enumerate(rights.items()) if i % 2 == part},
            policy=f"policy-{part}",
        )
    return curate(workspace, a_plan(order={"stages": 3}))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_the_same_catalog_gives_the_same_bytes_in_whatever_order_it_was_filled(
    tmp_path: Path,
) -> None:
    one = mixed(Workspace(tmp_path / "one"))
    other = mixed(Workspace(tmp_path / "other"), backwards=True)
    assert contents(one.folder) == contents(other.folder)
    assert one.control_folder is not None
    assert other.control_folder is not None
    assert contents(one.control_folder) == contents(other.control_folder)


def test_shards_are_laid_out_for_shuffled_reading(workspace: Workspace) -> None:
    frozen = mixed(workspace)
    file = pq.ParquetFile(frozen.folder / "shard-00000.parquet")
    assert file.schema_arrow.equals(SCHEMA)
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [100, frozen.rows - 100]
    codecs = {
        groups[0].column(i).path_in_schema: groups[0].column(i).compression
        for i in range(groups[0].num_columns)
    }
    assert codecs.pop("media.list.element.bytes") == "UNCOMPRESSED"
    assert set(codecs.values()) == {"ZSTD"}


def test_rows_come_in_position_order_with_all_they_need(workspace: Workspace) -> None:
    frozen = mixed(workspace)
    rows = list(read_rows(frozen.folder))
    assert [row["position"] for row in rows] == list(range(frozen.rows))
    assert {row["split"] for row in rows} == {"train"}
    shown = [row for row in rows if row["modality"] == "image"]
    assert all(row["media"][0]["bytes"].startswith(b"\x89PNG") for row in shown)
    assert {row["corpus"] for row in rows} == {"digits", "sums", "arithmetic"}


def test_a_shard_is_rendered_without_the_catalog(workspace: Workspace, tmp_path: Path) -> None:
    clean = filled(workspace, [4] * 3, picture_question)[0]
    filled(workspace, [4] * 3)
    noise = {"name": "gaussian_noise", "params": {"sigma": 9, "seed": 1}, "version": 1}
    view = replace(clean, parent=clean.sample_id, history=(noise,), recipe="noisy")
    add(workspace, [view])
    tried(workspace, {view.sample_id: 3}, policy="tiny2", reward="picture_question@1")
    frozen = curate(workspace, a_plan(include_views=True))
    pairs = shard_samples(frozen.folder.rename(tmp_path / "elsewhere"))
    assert "media" not in pairs[0][0]
    read = media_reader(sample for _, sample in pairs)
    for _, sample in pairs:
        shown = render(sample, TEMPLATES["plain"], read)
        expected = render(sample, TEMPLATES["plain"], workspace.media.read)
        assert shown.messages == expected.messages
        assert [p.tobytes() for p in shown.images] == [p.tobytes() for p in expected.images]
    pixels = {
        sample.sample_id: render(sample, TEMPLATES["plain"], read).images[0].tobytes()
        for _, sample in pairs
        if sample.media
    }
    assert pixels[view.sample_id] != pixels[clean.sample_id]


def test_a_rebuilt_version_has_the_same_bytes(workspace: Workspace) -> None:
    frozen = mixed(workspace)
    before = contents(frozen.folder)
    damage(frozen.folder / "shard-00000.parquet")
    rebuild(workspace, "small", 1)
    assert contents(frozen.folder) == before
    rebuild(workspace, "small-control", 1)
    assert verify(workspace, "small-control", 1).kind == "control"


def test_a_damaged_shard_is_named_before_it_is_read(workspace: Workspace) -> None:
    frozen = mixed(workspace)
    assert verify(workspace, "small", 1) == read_manifest(frozen.folder)
    damage(frozen.folder / "shard-00000.parquet")
    for check in (lambda: verify(workspace, "small", 1), lambda: list(read_rows(frozen.folder))):
        with pytest.raises(DatasetError, match=r"small@1: shard-00000\.parquet is damaged"):
            check()
    (frozen.folder / "shard-00000.parquet").unlink()
    with pytest.raises(DatasetError, match=r"shard-00000\.parquet is missing"):
        verify(workspace, "small", 1)


def test_a_manifest_that_was_changed_is_refused(workspace: Workspace) -> None:
    frozen = mixed(workspace)
    path = frozen.folder / "manifest.json"
    path.write_text(path.read_text().replace('"split": "train"', '"split": "test"'))
    with pytest.raises(DatasetError, match=r"manifest\.json was changed"):
        shard_samples(frozen.folder)


def test_an_unknown_version_is_told_with_those_there_are(workspace: Workspace) -> None:
    mixed(workspace)
    with pytest.raises(
        DatasetError, match="no dataset small@7; there are: small-control@1, small@1"
    ):
        verify(workspace, "small", 7)


@pytest.mark.slow
def test_a_rebuild_that_would_differ_is_refused(workspace: Workspace) -> None:
    frozen = mixed(workspace)
    before = contents(frozen.folder)
    with workspace.catalog.write() as connection:
        connection.execute("update samples set licence = 'unknown'")
    with pytest.raises(DatasetError, match=r"shard-00000\.parquet cannot be rebuilt alike"):
        rebuild(workspace, "small", 1)
    assert contents(frozen.folder) == before


def test_a_version_with_a_withdrawn_sample_is_not_rebuilt(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 6)
    frozen = curate(workspace, a_plan(control={"draw": False}))
    before = contents(frozen.folder)
    first, second = sorted(sample.sample_id for sample in samples)[:2]
    withdraw(workspace, [first, second], reason="asked for by its author")
    told = (
        f"small@1 holds sample {first} and 1 more, withdrawn (asked for by its author), "
        "and cannot be rebuilt; curate its plan again"
    )
    with pytest.raises(DatasetError) as error:
        rebuild(workspace, "small", 1)
    assert str(error.value) == told
    assert contents(frozen.folder) == before
    again = curate(workspace, a_plan(control={"draw": False}))
    assert (again.version, again.samples) == (2, 4)


def test_lost_media_is_told_and_nothing_is_minted(workspace: Workspace) -> None:
    (sample,) = filled(workspace, [4], picture_question)
    workspace.media.path(sample.media[0].media_id).unlink()
    with pytest.raises(DatasetError, match="ingest its corpus again"):
        curate(workspace, a_plan())
    assert workspace.catalog.rows("select * from datasets") == []


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
