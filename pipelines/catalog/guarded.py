"""SQL that a person wrote: one SELECT, read-only, no files, no network, within limits."""

import threading

import duckdb
import pyarrow as pa

from pipelines.catalog.catalog import Catalog, Config, connect
from pipelines.catalog.lock import workspace_lock

GUARD: Config = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "temp_directory": "",
    "lock_configuration": True,
}


class BadQuery(ValueError):
    """The statement is not one SELECT, is wrong, or asked for too much."""


def guarded(
    catalog: Catalog, statement: str, *, seconds: float = 30.0, memory: str = "1GB"
) -> pa.Table:
    """Answer one SELECT. Raises BadQuery, in one sentence, for anything else or for too much."""
    _require_one_select(statement)
    catalog.ready()
    with workspace_lock(catalog.lock_folder, exclusive=False, timeout=catalog.lock_timeout):
        connection = connect(
            catalog.path,
            read_only=True,
            config=GUARD | {"memory_limit": memory},
            timeout=catalog.lock_timeout,
        )
        timer = threading.Timer(seconds, connection.interrupt)
        timer.start()
        try:
            return connection.execute(statement).to_arrow_table()
        except duckdb.InterruptException as error:
            raise BadQuery(f"the query took longer than {seconds:g} s; narrow it") from error
        except duckdb.OutOfMemoryException as error:
            raise BadQuery(f"the query needs more than {memory}; narrow it") from error
        except duckdb.Error as error:
            raise BadQuery(f"the query is wrong: {_first_line(error)}") from error
        finally:
            timer.cancel()
            connection.close()


def _require_one_select(statement: str) -> None:
    try:
        statements = duckdb.extract_statements(statement)
    except duckdb.Error as error:
        raise BadQuery(f"the query is wrong: {_first_line(error)}") from error
    if len(statements) != 1:
        raise BadQuery(f"give one SELECT, not {len(statements)} statements")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise BadQuery(f"only SELECT is allowed here, not {statements[0].type.name}")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
