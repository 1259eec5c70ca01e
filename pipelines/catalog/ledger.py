"""Units of work: planned before they run, committed whole, once.

A unit that died is begun again as its next attempt; a commit counts only for the attempt that
is current, so a process that was thought dead cannot add its answers a second time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalog.catalog import Catalog, Connection, now
from pipelines.record.canonical import Json, canonical_json, content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One batch of one round of a job, with the inputs that decide its result."""

    job: str
    kind: str
    """What the unit does: `score`, `search`, `train`, `evaluate`, `import`."""
    round: int
    batch: int
    inputs: Json

    @property
    def unit_id(self) -> str:
        """Deterministic: the same job gives the same units."""
        return content_hash([self.job, self.kind, self.round, self.batch])


def plan(connection: Connection, units: Sequence[Unit]) -> None:
    """Write down units before they run; those already known are left as they are."""
    rows = [
        {
            "unit_id": unit.unit_id,
            "job": unit.job,
            "kind": unit.kind,
            "round": unit.round,
            "batch": unit.batch,
            "inputs": canonical_json(unit.inputs),
        }
        for unit in units
    ]
    if not rows:
        return
    append_new(connection, "units", _with_plan_columns(rows), key="unit_id")


def begin(connection: Connection, unit_id: str) -> int:
    """Start the next attempt of a unit and give its number; earlier attempts no longer count."""
    row = connection.execute(
        "update units set attempt = attempt + 1, status = 'planned' where unit_id = ? "
        "returning attempt",
        [unit_id],
    ).fetchone()
    if row is None:
        raise KeyError(f"unit {unit_id} was never planned")
    return int(row[0])


def begin_after(connection: Connection, job: str, round_: int) -> dict[int, tuple[str, int]]:
    """Start the next attempt of every unit after a round of a job that has one unit a round.

    Gives unit id and attempt by round; what those rounds had left no longer counts.
    """
    begun = connection.execute(
        "update units set attempt = attempt + 1, status = 'planned' "
        "where job = ? and round > ? returning round, unit_id, attempt",
        [job, round_],
    ).fetchall()
    return {number: (unit_id, attempt) for number, unit_id, attempt in begun}


def commit(connection: Connection, unit_id: str, attempt: int, tables: dict[str, pa.Table]) -> bool:
    """Keep a unit's result, once: False, and nothing is written, if this attempt no longer counts.

    `tables` are rows by the name of the fact table they go into.
    """
    row = connection.execute(
        "update units set status = 'done', committed_at = ? "
        "where unit_id = ? and attempt = ? and status = 'planned' returning unit_id",
        [now(), unit_id, attempt],
    ).fetchone()
    if row is None:
        return False
    for name, table in tables.items():
        append(connection, name, table)
    return True


def commit_all(
    connection: Connection, attempts: Mapping[str, int], tables: Mapping[str, pa.Table]
) -> set[str]:
    """Keep the results of many units at once, each whole or not at all; give those that count.

    `attempts` holds the attempt of each unit; every row of `tables` names its `unit_id`.
    """
    known = pa.table(
        {"unit_id": list(attempts), "attempt": pa.array(attempts.values(), pa.int32())}
    )
    with _registered(connection, known):
        counted = connection.execute(
            "update units set status = 'done', committed_at = ? from new_rows n "
            "where units.unit_id = n.unit_id and units.attempt = n.attempt "
            "and units.status = 'planned' returning units.unit_id",
            [now()],
        ).fetchall()
    units = {unit_id for (unit_id,) in counted}
    if units:
        for name, table in tables.items():
            kept = pc.is_in(table["unit_id"], pa.array(sorted(units)))
            append(connection, name, table if len(units) == len(attempts) else table.filter(kept))
    return units


def pending(catalog: Catalog, job: str) -> list[Unit]:
    """The units of a job that were planned and not committed, in their order."""
    rows = catalog.rows(
        "select job, kind, round, batch, inputs from units "
        "where job = ? and status = 'planned' order by round, batch",
        job,
    )
    return [Unit(**{**row, "inputs": json.loads(row["inputs"])}) for row in rows]


def next_round(catalog: Catalog, job: str) -> int:
    """The number of the round that a job plans next."""
    rows = catalog.rows("select coalesce(max(round) + 1, 0) as next from units where job = ?", job)
    return int(rows[0]["next"])


def append(connection: Connection, table: str, rows: pa.Table) -> None:
    """Add rows to a fact table, matching columns by name."""
    if rows.num_rows:
        with _registered(connection, rows):
            connection.execute(f"insert into {table} by name select * from new_rows")


def append_new(connection: Connection, table: str, rows: pa.Table, *, key: str) -> int:
    """Add the rows whose key (columns, comma-separated) is not there yet; give how many."""
    if not rows.num_rows:
        return 0
    with _registered(connection, rows):
        count = connection.execute(
            f"insert into {table} by name select * from new_rows "
            f"anti join {table} using ({key}) qualify row_number() over (partition by {key}) = 1"
        ).fetchone()
    return int(count[0]) if count else 0


@contextmanager
def _registered(connection: Connection, rows: pa.Table) -> Iterator[None]:
    connection.register("new_rows", rows)
    try:
        yield
    finally:
        connection.unregister("new_rows")


def _with_plan_columns(rows: list[dict[str, object]]) -> pa.Table:
    table = pa.Table.from_pylist(rows)
    count = len(rows)
    return (
        table.append_column("status", pa.array(["planned"] * count))
        .append_column("attempt", pa.array([0] * count, pa.int32()))
        .append_column("planned_at", pa.array([now()] * count))
    )
