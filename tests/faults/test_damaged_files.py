"""A damaged catalog, medium or set: every command that needs it names it, and none starts anew."""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from commands import Cli
from small_catalog import filled, picture_question

from pipelines.curation.manifest import DatasetError
from pipelines.workspace import Workspace
from train.training_set import open_training_set

PLAN = "name = 'pictures'\n[band]\nlow = 0.0\nhigh = 1.0\n[evidence]\nminimum = 1\n"
Damage = Callable[[Path], None]


@pytest.fixture
def held(cli: Cli) -> Cli:
    """A workspace with scored pictures and a frozen set of them."""
    assert cli("init").code == 0
    workspace = Workspace(cli.root)
    filled(workspace, [3] * 30, picture_question)
    (cli.root / "plan.toml").write_text(PLAN)
    assert cli("curate", cli.root / "plan.toml").code == 0
    return cli


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def garbage(path: Path) -> None:
    path.write_bytes(b"no database" * 4096)


def gone(path: Path) -> None:
    path.unlink()


def newer(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("insert into schema_version values (999, null)")


def flipped(path: Path) -> None:
    """Damage one byte in every eighth block, and none of the first."""
    data = bytearray(path.read_bytes())
    for at in range(2**16, len(data), 2**15):
        data[at] ^= 0x55
    path.write_bytes(data)


COMMANDS = (
    ("status",),
    ("ingest", "sums", "--size", "6"),
    ("clean",),
    ("augment", "light-text"),
    ("score", "--dry-run"),
    ("curate", "plan.toml"),
    ("export", "pictures", "--to", "trl", "--out", "out"),
    ("train", "pictures"),
    ("evaluate",),
    ("card", "pictures"),
    ("report", "pictures"),
    ("withdraw", "--corpus", "digits", "--reason", "x", "--yes"),
    ("sql", "select count(*) from samples"),
)


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        pytest.param(emptied, marks=pytest.mark.slow),
        pytest.param(garbage, marks=pytest.mark.slow),
        gone,
        pytest.param(newer, marks=pytest.mark.slow),
    ],
)
def test_every_command_names_a_catalog_that_it_cannot_use_and_leaves_it_as_it_is(
    held: Cli, monkeypatch: pytest.MonkeyPatch, damage: Damage
) -> None:
    catalog = held.root / "catalog.duckdb"
    damage(catalog)
    before = catalog.read_bytes() if catalog.exists() else None
    monkeypatch.chdir(held.root)
    for words in COMMANDS:
        said = held(*words)
        assert (said.code, said.is_one_sentence) == (1, True), (words, said)
        assert str(catalog) in said.err, words
    assert (catalog.read_bytes() if catalog.exists() else None) == before
    found = held("doctor")
    assert found.code == 1
    assert "catalog.duckdb" in found.out


@pytest.mark.slow
def test_a_flipped_byte_in_the_catalog_is_named_by_whoever_reads_it(held: Cli) -> None:
    flipped(held.root / "catalog.duckdb")
    for words in (("clean",), ("sql", "select * from samples")):
        said = held(*words)
        assert (said.code, said.is_one_sentence) == (1, True), (words, said)
        assert str(held.root / "catalog.duckdb") in said.err, words
    assert held("doctor").code == 1


@pytest.mark.slow
def test_a_log_that_was_cut_short_is_named_and_what_is_whole_of_it_is_kept(held: Cli) -> None:
    workspace, catalog = Workspace(held.root), held.root / "catalog.duckdb"
    with duckdb.connect(catalog, config={"checkpoint_threshold": "1TB"}) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        for number in range(3):
            connection.execute("insert into corpora (corpus) values (?)", [f"c{number}"])
    log = catalog.with_name("catalog.duckdb.wal")
    os.truncate(log, log.stat().st_size - 7)
    found = held("doctor")
    assert (found.code, "log" in found.out) == (1, True)
    kept = workspace.catalog.rows("select corpus from corpora where corpus like 'c%' order by 1")
    assert [row["corpus"] for row in kept] == ["c0", "c1"]


def test_a_flipped_byte_in_a_medium_or_a_shard_is_caught_before_it_is_used(
    held: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(held.root)
    (shard,) = (held.root / "datasets/pictures/1").glob("shard-*.parquet")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    said = held("export", "pictures", "--to", "trl", "--out", "out")
    assert (said.code, said.is_one_sentence) == (1, True)
    assert f"{shard.name} is damaged" in said.err
    with pytest.raises(DatasetError, match=f"{shard.name} is damaged"):
        open_training_set(Workspace(held.root), "pictures", 1)
    medium = next((held.root / "media").glob("??/*"))
    medium.write_bytes(medium.read_bytes()[:-1] + b"!")
    (held.root / "plan.toml").write_text(PLAN.replace("pictures", "again"))
    said = held("curate", "plan.toml")
    assert (said.code, said.is_one_sentence) == (1, True)
    assert medium.name in said.err
    assert not (held.root / "datasets/again/1").exists()
    assert held("doctor").code == 1
