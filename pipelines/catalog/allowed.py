"""What a person's SQL may hold: one SELECT over the tables and views of the catalog.

The statement is parsed and not run: DuckDB's own syntax tree says what it would read.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

LONGEST = 100_000
"""Characters of a statement."""
SOURCES = {"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"}
"""Functions that may stand where a table does; every other one reads files, settings or memory."""
FORBIDDEN = {
    *("current_setting", "getenv", "getvariable"),
    *("currval", "nextval", "pg_sleep", "sleep_ms", "write_log"),
}
"""Functions that tell of the process or the session, change one, or only wait."""
SYSTEM = ("duckdb_", "information_schema", "pg_", "pragma_", "sqlite_")
"""How DuckDB's own tables and views begin, that tell of the machine."""


class BadQuery(ValueError):
    """The statement is not one SELECT, is wrong, or asked for too much."""


def require_allowed(statement: str) -> None:
    """Raise BadQuery, naming what is wrong, unless this is one SELECT over the catalog alone."""
    if len(statement) > LONGEST:
        raise BadQuery(f"the query is longer than {LONGEST:,} characters")
    _require_one_select(statement)
    for node in _nodes(syntax(statement)):
        _require_table(node)
        _require_function(node)


def require_expression(where: str) -> Any:
    """Give the syntax tree of a condition. Raises BadQuery unless it is one SQL expression.

    A fragment that breaks out of its parentheses changes more of a SELECT than its condition.
    """
    given, plain = (_selecting(condition) for condition in (where, "true"))
    condition = given.pop("where_clause", None)
    plain.pop("where_clause")
    if given != plain:
        raise BadQuery("it must be one SQL expression, without clauses of its own")
    return condition


def _selecting(condition: str) -> dict[str, Any]:
    """Give the syntax tree of a SELECT with this condition."""
    statements = syntax(f"select 1 where (\n{condition}\n)")
    if len(statements) != 1:
        raise BadQuery("it must be one SQL expression, not several statements")
    node: dict[str, Any] = statements[0]["node"]
    return node


def syntax(statement: str) -> list[Any]:
    """Give DuckDB's syntax tree of one SELECT. Raises BadQuery for what is none."""
    # A parameter in place of the literal would have DuckDB import pandas: a second.
    literal = statement.replace("'", "''")
    with _parser() as parser:
        row = parser.execute(f"select json_serialize_sql('{literal}')").fetchone()
    parsed = json.loads(row[0] if row else "{}")
    if parsed.get("error_type") == "not implemented":
        raise BadQuery("only SELECT is allowed here, and no PRAGMA")
    if parsed.get("error"):
        raise BadQuery(f"it is no SQL: {parsed['error_message'].splitlines()[0]}")
    trees: list[Any] = parsed["statements"]
    return trees


def functions_of(tree: Any) -> Iterator[str]:
    """Name the functions that a syntax tree calls, in lower case."""
    for node in _nodes(tree):
        if isinstance(node.get("function_name"), str):
            yield node["function_name"].lower()


def first_line(error: Exception) -> str:
    """What a library said, without the excerpt of the query under it."""
    return str(error).strip().splitlines()[0]


def _require_one_select(statement: str) -> None:
    try:
        with _parser() as parser:
            statements = parser.extract_statements(statement)
    except duckdb.PermissionException as error:
        raise BadQuery("only SELECT is allowed here, and no files") from error
    except duckdb.Error as error:
        raise BadQuery(f"the query is wrong: {first_line(error)}") from error
    kinds = [one.type for one in statements]
    if kinds == [duckdb.StatementType.CREATE, duckdb.StatementType.SELECT]:
        raise BadQuery("give one SELECT; of a PIVOT, name the columns: `pivot … on task in ('a')`")
    if len(kinds) != 1:
        raise BadQuery(f"give one SELECT, not {len(kinds)} statements")
    if kinds[0] != duckdb.StatementType.SELECT:
        raise BadQuery(f"only SELECT is allowed here, not {kinds[0].name}")


def _require_table(node: dict[str, Any]) -> None:
    if node.get("type") not in ("BASE_TABLE", "SHOW_REF"):
        return
    name, schema = str(node["table_name"]).strip('"'), str(node["schema_name"])
    whole = ".".join(filter(None, (node["catalog_name"], schema, name)))
    if node["catalog_name"] or schema not in ("", "main") or name.lower().startswith(SYSTEM):
        raise BadQuery(f"{whole} is no table of the catalog; `show tables` lists those")
    if node.get("show_type") == "SHOW_UNQUALIFIED" and name != "tables":
        raise BadQuery(f"`show {name}` is not allowed here; `show tables` is")


def _require_function(node: dict[str, Any]) -> None:
    if node.get("type") == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in SOURCES:
            known = ", ".join(sorted(SOURCES))
            raise BadQuery(f"{name}() may not be read from; tables and views may, and {known}")
    name = str(node.get("function_name", "")).lower()
    if name in FORBIDDEN:
        raise BadQuery(f"{name}() may not be called here")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Walk a syntax tree, of any depth, and give what is in it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _parser() -> duckdb.DuckDBPyConnection:
    """Give a connection to nothing, that can open nothing; statements may name files to parse."""
    return _nothing().cursor()


@cache
def _nothing() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config=GUARD)


GUARD: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "temp_directory": "",
    "lock_configuration": True,
}
"""How every connection is set up that sees a person's SQL."""
