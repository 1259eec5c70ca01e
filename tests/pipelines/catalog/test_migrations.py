"""Files of every schema that was released open, migrate and keep their rows; a kill leaves no half."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.catalog import Catalog, CatalogError, migrations
from pipelines.catalog.soundness import look_through

NUMBERED = dict(migrations._numbered())
RELEASED = range(1, migrations.NEWEST)
KILLED = """
import os, sys
from pathlib import Path
from pipelines.catalog import Catalog, migrations
calls = 0
class Killing:
    def __init__(self, connection): self.connection = connection
    def __getattr__(self, name):
        def call(*args):
            global calls
            if calls == int(sys.argv[2]):
                os.kill(os.getpid(), 9)
            calls += 1
            return getattr(self.connection, name)(*args)
        return call
migrate = migrations.migrate
migrations.migrate = lambda connection: migrate(Killing(connection))
Catalog(Path(sys.argv[1])).ready()
print(calls)
"""


def store_of(folder: Path, schema: int) -> Catalog:
    """Make a catalog as the release with this schema did, with a row in every table."""
    folder.mkdir(exist_ok=True)
    with duckdb.connect(folder / "catalog.duckdb") as connection:
        connection.execute("create table schema_version (version integer, applied_at timestamp)")
        for number in range(1, schema + 1):
            connection.execute(NUMBERED[number].read_text())
            connection.execute("insert into schema_version values (?, now())", [number])
        connection.execute("create view standing as select 1 as of_an_older_release")
        for table in tables(connection):
            if table != "schema_version":
                first = connection.execute(f"describe {table}").fetchall()[0][0]
                connection.execute(f"insert into {table} ({first}) values ('kept')")
    return Catalog(folder, lock_timeout=20)


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
    return [name for (name,) in found]


def schema_of(folder: Path) -> int:
    with duckdb.connect(folder / "catalog.duckdb", read_only=True) as connection:
        return migrations.version(connection)


@pytest.mark.parametrize("schema", RELEASED)
def test_a_store_of_every_released_schema_keeps_its_rows(tmp_path: Path, schema: int) -> None:
    catalog = store_of(tmp_path, schema)
    with duckdb.connect(catalog.path, read_only=True) as connection:
        before = [table for table in tables(connection) if table != "schema_version"]
    catalog.ready()
    with catalog.read() as connection:
        counts = [
            connection.execute(f"select count(*) from {table}").fetchone() for table in before
        ]
    assert counts == [(1,)] * len(before)
    sound = look_through(catalog)
    assert (sound.schema, sound.lacking, sound.other_views) == (migrations.NEWEST, (), ())
    assert "of_an_older_release" not in catalog.table("from standing").column_names


def run_killed(folder: Path, at: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(at)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )


def killed_at_each_step(make: Callable[[], Path], allowed: set[int], steps: range) -> None:
    """Kill a migration before each of its statements; the file is then old or new, and migrates."""
    for at in steps:
        folder = make()
        assert run_killed(folder, at).returncode == -9
        path = folder / "catalog.duckdb"
        assert (schema_of(folder) if path.exists() else 0) in allowed
        Catalog(folder).ready()
        assert schema_of(folder) == migrations.NEWEST
        path.unlink()


def test_a_migration_killed_half_way_leaves_the_old_schema(tmp_path: Path) -> None:
    store_of(tmp_path, 2)
    steps = int(run_killed(tmp_path, 999).stdout)
    (tmp_path / "catalog.duckdb").unlink()
    killed_at_each_step(lambda: store_of(tmp_path, 2).workspace, {2}, range(steps - 1, steps))


@pytest.mark.slow
@pytest.mark.parametrize("schema", RELEASED)
def test_a_migration_killed_at_any_step_leaves_the_old_schema(tmp_path: Path, schema: int) -> None:
    store_of(tmp_path, schema)
    steps = int(run_killed(tmp_path, 999).stdout)
    assert steps > 8
    (tmp_path / "catalog.duckdb").unlink()
    killed_at_each_step(lambda: store_of(tmp_path, schema).workspace, {schema}, range(steps))


@pytest.mark.slow
def test_a_new_catalog_killed_while_it_is_made_is_not_there(tmp_path: Path) -> None:
    for at in range(0, int(run_killed(tmp_path / "whole", 999).stdout), 3):
        assert run_killed(tmp_path / "half", at).returncode == -9
        assert not (tmp_path / "half" / "catalog.duckdb").exists()
    assert Catalog(tmp_path / "half").rows("from samples") == []
    assert not list((tmp_path / "half").glob(".tmp-*"))


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    catalog = store_of(tmp_path, migrations.NEWEST)
    with duckdb.connect(catalog.path) as connection:
        connection.execute("insert into schema_version values (999, null)")
    before = catalog.path.read_bytes()
    with pytest.raises(CatalogError, match="schema 999, newer than"):
        catalog.ready()
    assert catalog.path.read_bytes() == before
