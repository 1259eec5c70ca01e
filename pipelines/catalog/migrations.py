"""Numbered SQL migrations, one transaction each; the views are made anew after the last one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable

import duckdb
import pyarrow as pa

SCHEMA = files("pipelines.catalog") / "schema"
QUANTILE_MAX_N = 64


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
    """Bring a file to the newest schema; a kill leaves it at one number or the next, never between."""
    connection.execute(
        "create table if not exists schema_version (version integer, applied_at timestamp)"
    )
    have = version(connection)
    for number, file in _numbered():
        if number <= have:
            continue
        connection.begin()
        connection.execute(file.read_text())
        if number == NEWEST:
            _make_views(connection)
        connection.execute(
            "insert into schema_version values (?, ?)",
            [number, datetime.now(UTC).replace(tzinfo=None)],
        )
        connection.commit()


def _make_views(connection: duckdb.DuckDBPyConnection) -> None:
    quantiles = _beta_quantiles()
    connection.register("new_quantiles", quantiles)
    connection.execute("create or replace table beta_quantiles as from new_quantiles")
    connection.unregister("new_quantiles")
    connection.execute((SCHEMA / "views.sql").read_text())


def _beta_quantiles() -> pa.Table:
    """The 95% bounds of Beta(k + 1/2, n - k + 1/2) for every k of n up to 64.

    DuckDB has no Beta quantile, and a Python function would be lost to other connections.
    """
    from scipy.stats import beta

    pairs = [(n, k) for n in range(QUANTILE_MAX_N + 1) for k in range(n + 1)]
    n, k = (list(column) for column in zip(*pairs, strict=True))
    a = [hits + 0.5 for hits in k]
    b = [tries - hits + 0.5 for tries, hits in pairs]
    return pa.table(
        {
            "n": pa.array(n, pa.int32()),
            "successes": pa.array(k, pa.int32()),
            "low": beta.ppf(0.025, a, b),
            "high": beta.ppf(0.975, a, b),
        }
    )
