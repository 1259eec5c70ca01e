"""A database in memory, for SQL over what was read from the catalog in a burst."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from pipelines.catalog.catalog import SAFE_CONFIG, Connection


@contextmanager
def scratch(**tables: pa.Table) -> Iterator[Connection]:
    """Open one with these tables in it; nothing waits for it and it leaves nothing behind."""
    connection = duckdb.connect(":memory:", config=SAFE_CONFIG)
    try:
        for name, table in tables.items():
            connection.register(name, table)
        yield connection
    finally:
        connection.close()
