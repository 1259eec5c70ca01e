"""Shards read in any order: the same rows and the same bytes as one after the other."""

import hashlib
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_catalog import a_plan, add, filled, picture_question, sum_question, tried

from pipelines.curation.curate import curate
from pipelines.curation.manifest import DatasetError
from pipelines.curation.pages import is_plain, spans
from pipelines.curation.reader import ShardReader
from pipelines.curation.shards import each_sample, read_rows
from pipelines.record.media import BadMedia, Media
from pipelines.record.sample import ask
from pipelines.workspace import Workspace


def two_pictures(i: int) -> object:
    """Ask about two pictures, the second of which many questions share."""
    first = picture_question(i).media[0]
    second = Media.of_bytes(picture_question(200).media[0].read(), "image")
    question = picture_question(i)
    return replace(question, prompt=ask("Which is redder?", first, second), media=(first, second))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of three row groups: one picture, two, and none."""
    workspace = Workspace(tmp_path_factory.mktemp("read") / "w")
    filled(workspace, [1 + i % 6 for i in range(150)], picture_question)
    filled(workspace, [3] * 40, sum_question)
    pairs = [two_pictures(i) for i in range(30)]
    add(workspace, pairs)  # type: ignore[arg-type]
    keys = {pair.sample_id: 4 for pair in pairs}  # type: ignore[attr-defined]
    tried(workspace, keys, policy="other", reward="picture_question@1")
    return curate(workspace, a_plan(evidence={"reward": "*"}, order={"stages": 2})).folder


def test_a_row_is_the_same_from_whichever_side_it_is_reached(folder: Path) -> None:
    reader, rows = ShardReader(folder), list(read_rows(folder))
    positions = list(range(len(reader)))
    random.Random(3).shuffle(positions)
    assert len(reader) == len(rows) > 200
    assert [reader[i] for i in positions] == [rows[i] for i in positions]
    assert {len(row["media"]) for row in rows} == {0, 1, 2}


def test_batches_are_the_rows_in_the_order_that_was_asked_for(folder: Path) -> None:
    rows, order = list(read_rows(folder)), [150, 3, 3, 199, 0, 77, 120]
    batches = list(ShardReader(folder).batches(order, 3))
    assert [batch.num_rows for batch in batches] == [3, 3, 1]
    assert pa.concat_tables(batches).to_pylist() == [rows[i] for i in order]


def test_a_medium_is_found_by_its_id_and_no_other(folder: Path) -> None:
    reader = ShardReader(folder)
    ids = {m["media_id"] for row in read_rows(folder) for m in row["media"]}
    assert all(hashlib.sha256(reader.read(media_id)).hexdigest() == media_id for media_id in ids)
    near = min(ids)[:40] + "0" * 24
    with pytest.raises(BadMedia, match="in none of these samples"):
        reader.read(near)


def test_samples_come_without_bytes_and_with_their_names(folder: Path) -> None:
    reader = ShardReader(folder)
    for position, (row, sample) in enumerate(each_sample(folder)):
        told, found = reader.sample(position)
        assert (told, found) == (row, sample)
        assert all(medium.source is None for medium in found.media)


def test_only_the_columns_that_were_asked_for_are_held(folder: Path) -> None:
    reader = ShardReader(folder, columns=["sample_id"])
    assert reader.rows.column_names == ["sample_id", "media"]
    assert reader[5] == {k: v for k, v in _row(folder, 5).items() if k in ("sample_id", "media")}


def test_a_position_that_is_not_there_is_named(folder: Path) -> None:
    reader = ShardReader(folder)
    for position in (len(reader), -1):
        with pytest.raises(IndexError, match=f"no position {position} among"):
            reader[position]


def test_a_damaged_shard_is_refused_before_anything_is_read(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    copied.mkdir()
    for path in folder.iterdir():
        data = bytearray(path.read_bytes())
        if path.suffix == ".parquet":
            data[len(data) // 2] ^= 1
        (copied / path.name).write_bytes(bytes(data))
    with pytest.raises(DatasetError, match=r"shard-00000\.parquet is damaged"):
        ShardReader(copied)


def test_values_are_found_over_many_pages_and_behind_nulls(tmp_path: Path) -> None:
    values = [
        [*[b"x" * (i % 7), None][: 1 + i % 2], bytes([i % 256]) * (i % 50)] for i in range(999)
    ]
    table = pa.table({"v": pa.array(values, pa.list_(pa.binary()))})
    for statistics in (False, True):
        path = tmp_path / f"{statistics}.parquet"
        options = {"use_dictionary": False, "data_page_size": 512, "data_page_version": "1.0"}
        pq.write_table(table, path, compression="none", write_statistics=statistics, **options)
        column = pq.read_metadata(path).row_group(0).column(0)
        assert is_plain(column)
        data = memoryview(path.read_bytes())
        found = [bytes(data[at : at + size]) for at, size in spans(data, column).tolist()]
        assert found == [value for row in values for value in row if value is not None]
    pq.write_table(table, path, compression="zstd")
    assert not is_plain(pq.read_metadata(path).row_group(0).column(0))


def _row(folder: Path, position: int) -> dict[str, object]:
    return list(read_rows(folder))[position]
