"""What is wrong with the catalog's file itself: read through, and held against a new one."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import duckdb

from pipelines.catalog import migrations
from pipelines.catalog.catalog import Catalog, Connection
from pipelines.catalog.scratch import scratch

_COLUMNS = """
select table_name || '.' || column_name || ' ' || data_type as known
from duckdb_columns() where not internal and schema_name = 'main'
    and table_name in (select table_name from duckdb_tables())
"""
_VIEWS = "select view_name, sql from duckdb_views() where not internal"
_WORDS = re.compile(r"'[^']*'|[\w.]+|[^\w\s(),\"]")

Shape = tuple[set[str], dict[str, Counter[str]]]
"""Columns of the tables, and the words of each view."""


@dataclass(frozen=True, slots=True)
class Soundness:
    """What looking at the file showed."""

    schema: int
    unreadable: dict[str, str]
    """Tables that cannot be read to their end, and what was said of them."""
    lacking: tuple[str, ...]
    """Columns that this schema has and the file has not, as `table.column type`."""
    other_views: tuple[str, ...]
    """Views that are missing or not those of this version."""
    free_bytes: int
    """What the file would shrink by if it were written anew."""
    bytes: int

    @property
    def is_newest(self) -> bool:
        """Whether the file is of the schema that this version knows."""
        return self.schema == migrations.NEWEST


def look_through(catalog: Catalog, *, read_all: bool = True) -> Soundness:
    """Look at the file as it is. Raises CatalogError when it cannot be opened.

    DuckDB notices a flipped byte when it reads the block; `read_all` has it read every one.
    """
    with catalog.look() as connection:
        schema = migrations.version(connection)
        unreadable = dict(_unreadable(connection)) if read_all else {}
        columns, views = _shape(connection)
        free, size = _sizes(connection)
    expected = _expected() if schema == migrations.NEWEST else (columns, views)
    other = [name for name, words in expected[1].items() if views.get(name) != words]
    lacking = expected[0] - columns
    return Soundness(schema, unreadable, tuple(sorted(lacking)), tuple(sorted(other)), free, size)


def restore_views(catalog: Catalog) -> None:
    """Make every view anew."""
    with catalog.write() as connection:
        migrations.make_views(connection)


def _unreadable(connection: Connection) -> Iterator[tuple[str, str]]:
    tables = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
    for (table,) in tables:
        try:
            connection.execute(f'select bit_xor(hash(whole)) from "{table}" whole').fetchall()
        except duckdb.Error as error:
            yield table, str(error).strip().splitlines()[0]


def _shape(connection: Connection) -> Shape:
    columns = {known for (known,) in connection.execute(_COLUMNS).fetchall()}
    views = connection.execute(_VIEWS).fetchall()
    # DuckDB writes brackets, quotes and the names behind `exclude` as it likes.
    return columns, {name: Counter(_WORDS.findall(sql)) for name, sql in views}


@cache
def _expected() -> Shape:
    """What a new file of this version has."""
    with scratch() as connection:
        migrations.migrate(connection)
        return _shape(connection)


def _sizes(connection: Connection) -> tuple[int, int]:
    found = connection.execute(
        "select free_blocks * block_size, total_blocks * block_size from pragma_database_size()"
    ).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)
