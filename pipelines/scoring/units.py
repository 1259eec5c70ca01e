"""A unit of asking: begun, asked and graded, and committed whole."""

from collections.abc import Callable, Iterable
from typing import Any

from pipelines.catalog import ledger
from pipelines.catalog.catalog import Catalog
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit


def ask_unit(catalog: Catalog, unit: Unit, ask: Callable[[], Iterable[Rollout]]) -> list[Rollout]:
    """Ask what a unit plans and keep it; nothing, where another process has done so meanwhile."""
    with catalog.write() as connection:
        attempt = ledger.begin(connection, unit.unit_id)
    rollouts = list(ask())
    tables = evidence_tables(rollouts, unit.unit_id, attempt)
    with catalog.write() as connection:
        kept = ledger.commit(connection, unit.unit_id, attempt, tables)
    return rollouts if kept else []


def planned_answers(unit: Unit) -> int:
    """How many answers a unit asks for."""
    inputs: Any = unit.inputs
    return int(inputs["n"]) * len(inputs["samples"])
