"""The condition a person wrote in a plan: checked to be one SQL expression, then asked safely."""

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.catalog.allowed import functions_of, require_expression
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
        _require_unchanging(plan.where)
        query = f"select sample_id from candidates where (\n{plan.where}\n)"
        return guarded(catalog, query)
    except BadQuery as error:
        raise WrongUse(f"plan {plan.name!r}: `where` cannot be used: {error}") from error


def _require_unchanging(where: str) -> None:
    condition = require_expression(where)
    changing = sorted(CHANGING & set(functions_of(condition)))
    if changing:
        raise BadQuery(f"{changing[0]}() gives another set each time; use size and seed of [quota]")
