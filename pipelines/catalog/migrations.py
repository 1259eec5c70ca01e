"""Numbered SQL migrations, all in one transaction; the views are made anew after the last one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable

import duckdb
import pyarrow as pa
from pyarrow import csv

SCHEMA = files("pipelines.catalog") / "schema"


def _numbered() -> Iterator[tuple[int, Traversable]]:
    for file in sorted(SCHEMA.iterdir(), key=lambda file: file.name):
        if file.name[:4].isdigit():
            yield int(file.name[:4]), file


NEWEST = max(number for number, _ in _numbered())


def version(connection: duckdb.DuckDBPyConnection) -> int:
    """The schema of an open file; 0 for an empty one."""
    known = connection.execute(
        "select count(*) from information_schema.tables where table_name = 'schema_version'"
    ).fetchone()
    if not known or not known[0]:
        return 0
    row = connection.execute("select max(version) from schema_version").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring a file to the newest schema in one transaction; a kill leaves the old or the new."""
    connection.begin()
    connection.execute(
        "create table if not exists schema_version (version integer, applied_at timestamp)"
    )
    have = version(connection)
    for number, file in _numbered():
        if number <= have:
            continue
        connection.execute(file.read_text())
        connection.execute(
            "insert into schema_version values (?, ?)",
            [number, datetime.now(UTC).replace(tzinfo=None)],
        )
    if have < NEWEST:
        make_views(connection)
    connection.commit()


def make_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every view anew, and the table that `difficulty` looks its intervals up in."""
    connection.register("new_quantiles", _beta_quantiles())
    connection.execute("create or replace table beta_quantiles as from new_quantiles")
    connection.unregister("new_quantiles")
    connection.execute((SCHEMA / "views.sql").read_text())


def _beta_quantiles() -> pa.Table:
    """The 95% bounds of Beta(k + 1/2, n - k + 1/2) for every k of n up to 64, as shipped.

    DuckDB has no Beta quantile, and a Python function would be lost to other connections.
    """
    with (SCHEMA / "beta_quantiles.csv").open("rb") as file:
        options = csv.ConvertOptions(column_types={"n": pa.int32(), "successes": pa.int32()})
        return csv.read_csv(file, convert_options=options)
