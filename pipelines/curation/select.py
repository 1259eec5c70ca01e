"""The condition a person wrote in a plan: checked to be one SQL expression, then asked safely."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.catalog.guarded import BadQuery, guarded
from pipelines.curation.plans import Plan
from pipelines.workspace import WrongUse

CHANGING = {"random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "nextval", "setseed"}
"""Functions that would choose other samples each time."""


def select(catalog: Catalog, plan: Plan) -> pa.Table:
    """Give the ids of the samples that meet the plan's `where`, as a column `sample_id`.

    Raises WrongUse, naming the plan and DuckDB's first line, when it is no single expression
    over the view `candidates`.
    """
    try:
        _require_one_expression(catalog, plan.where)
        query = f"select sample_id from candidates where (\n{plan.where}\n)"
        return guarded(catalog, query)
    except BadQuery as error:
        raise WrongUse(f"plan {plan.name!r}: `where` cannot be used: {error}") from error


def _require_one_expression(catalog: Catalog, where: str) -> None:
    """Compare the syntax tree with that of `true`: a fragment that breaks out changes more of it."""
    given, plain = _condition(catalog, where), _condition(catalog, "true")
    condition = given.pop("where_clause", None)
    plain.pop("where_clause")
    if given != plain:
        raise BadQuery("it must be one SQL expression, without clauses of its own")
    changing = sorted(CHANGING & set(_functions(condition)))
    if changing:
        raise BadQuery(f"{changing[0]}() gives another set each time; use size and seed of [quota]")


def _condition(catalog: Catalog, where: str) -> dict[str, Any]:
    """Give DuckDB's syntax tree of a SELECT with this condition."""
    literal = f"select 1 where (\n{where}\n)".replace("'", "''")
    tree = guarded(catalog, f"select json_serialize_sql('{literal}') as tree").column("tree")[0]
    parsed = json.loads(tree.as_py())
    if parsed["error"]:
        raise BadQuery(f"it is not an SQL expression: {parsed['error_message']}")
    if len(parsed["statements"]) != 1:
        raise BadQuery("it must be one SQL expression, not several statements")
    node: dict[str, Any] = parsed["statements"][0]["node"]
    return node


def _functions(tree: Any) -> Iterator[str]:
    """Walk a syntax tree and give the names of the functions it calls."""
    if isinstance(tree, dict):
        if isinstance(tree.get("function_name"), str):
            yield tree["function_name"].lower()
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _functions(branch)
