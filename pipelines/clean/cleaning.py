"""The cleaning of a catalog: duplicates, conflicts and benchmark leaks, found anew as a whole.

What counts as boilerplate depends on every text there is, so all is compared with all each time
there is something new; the same samples give the same findings, whatever order they came in.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.ledger import append
from pipelines.clean.compared import Compared
from pipelines.clean.duplicates import Alike, alike_samples, joined, near_questions, repeated
from pipelines.clean.leaks import Leak, find_leaks
from pipelines.clean.pool import Pool, read_pool
from pipelines.record.canonical import content_hash
from pipelines.workspace import Progress, Workspace, silent

RULES = 1
"""Version of the rules: when they change, all is compared again."""

_STATE = """
select count(*)::integer as samples,
    coalesce(bit_xor(hash(s.corpus, s.source_ref, s.sample_id, s.split, c.benchmark, c.revision)), 0)
        ::varchar as content
from sources s left join corpora c using (corpus) where s.ended is null
"""


@dataclass(slots=True)
class CleanSummary:
    """What was found."""

    samples: int = 0
    """Standing originals that were compared."""
    duplicates: dict[str, int] = field(default_factory=dict)
    """Samples that repeat one that stays, by the rule that said so."""
    conflicts: dict[str, int] = field(default_factory=dict)
    """Pairs that ask the same and are answered otherwise, by rule."""
    leaks: dict[str, dict[str, int]] = field(default_factory=dict)
    """By benchmark: samples that repeat it, by rule."""
    same_picture: dict[str, int] = field(default_factory=dict)
    """By benchmark: samples that show its pictures under another question."""
    unchanged: bool = False
    """Nothing had come since these were found."""


def clean(workspace: Workspace, progress: Progress = silent) -> CleanSummary:
    """Find what repeats, contradicts or leaks, unless nothing changed since it was last found."""
    with workspace.catalog.read() as connection:
        state = _state(connection)
        if known := _known(connection, state):
            return known
        read = read_pool(connection)
        compared = Compared.read(connection, workspace.media)
    pool = read.pool()
    near = near_questions(pool)
    alike = alike_samples(pool, compared, near, progress)
    leaks = find_leaks(pool, compared, near, progress)
    gone = repeated(alike)
    summary = _summary(pool, alike, gone, leaks)
    with workspace.catalog.write() as connection:
        _replace(connection, "alike", _alike_rows(pool, alike))
        _replace(connection, "duplicates", _duplicate_rows(pool, gone))
        _replace(connection, "joined_families", _family_rows(pool, alike))
        _replace(connection, "leaks", _leak_rows(pool, leaks))
        append(connection, "compared_pictures", compared.new_rows())
        _replace(connection, "cleanings", _cleaning_row(state, summary))
    return summary


def _state(connection: Connection) -> str:
    """Hash what is to be compared: the records that stand, and which corpora are benchmarks."""
    return content_hash([RULES, *connection.execute(_STATE).fetchall()[0]])


def _known(connection: Connection, state: str) -> CleanSummary | None:
    row = connection.execute(
        "select summary from cleanings where content_hash = ?", [state]
    ).fetchone()
    return CleanSummary(**json.loads(row[0]) | {"unchanged": True}) if row else None


def _replace(connection: Connection, table: str, rows: pa.Table) -> None:
    connection.execute(f"delete from {table}")
    append(connection, table, rows)


def _summary(
    pool: Pool, alike: list[Alike], gone: dict[int, Alike], leaks: list[Leak]
) -> CleanSummary:
    by_benchmark: dict[str, Counter[str]] = {}
    for leak in leaks:
        if leak.verdict == "leak":
            by_benchmark.setdefault(leak.benchmark, Counter())[leak.how] += 1
    return CleanSummary(
        pool.samples.num_rows,
        _counted(pair.how for pair in gone.values()),
        _counted(pair.how for pair in alike if pair.verdict == "conflict"),
        {name: dict(sorted(counts.items())) for name, counts in sorted(by_benchmark.items())},
        _counted(leak.benchmark for leak in leaks if leak.verdict == "same picture"),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _alike_rows(pool: Pool, alike: list[Alike]) -> pa.Table:
    ids = pool.samples["sample_id"].to_pylist()
    return _rows(
        {"a_id": ids[pair.a], "b_id": ids[pair.b]} | _measured(asdict(pair)) for pair in alike
    )


def _duplicate_rows(pool: Pool, gone: dict[int, Alike]) -> pa.Table:
    ids = pool.samples["sample_id"].to_pylist()
    return _rows(
        {"sample_id": ids[place], "keeper_id": ids[pair.a], "how": pair.how}
        for place, pair in sorted(gone.items())
    )


def _family_rows(pool: Pool, alike: list[Alike]) -> pa.Table:
    families = joined(alike, pool.samples["family_id"].to_pylist())
    rows = [{"family_id": name, "joined_id": joint} for name, joint in families.items()]
    return pa.Table.from_pylist(rows)


def _leak_rows(pool: Pool, leaks: list[Leak]) -> pa.Table:
    ids = pool.samples["sample_id"].to_pylist()
    of_benchmark = pool.benchmarks.select(["benchmark", "revision"]).to_pylist()
    revisions = {row["benchmark"]: row["revision"] for row in of_benchmark}
    return _rows(
        {
            "sample_id": ids[leak.place],
            "benchmark": leak.benchmark,
            "benchmark_revision": revisions[leak.benchmark],
            "benchmark_id": ids[leak.benchmark_place],
        }
        | _measured(asdict(leak))
        for leak in leaks
    )


def _measured(found: dict[str, Any]) -> dict[str, Any]:
    places = ("a", "b", "place", "benchmark", "benchmark_place")
    return {name: value for name, value in found.items() if name not in places}


def _rows(found: Iterable[dict[str, Any]]) -> pa.Table:
    at = now()
    return pa.Table.from_pylist([row | {"found_at": at} for row in found])


def _cleaning_row(state: str, summary: CleanSummary) -> pa.Table:
    row = {
        "content_hash": state,
        "samples": summary.samples,
        "summary": json.dumps(asdict(summary)),
        "cleaned_at": now(),
    }
    return pa.Table.from_pylist([row])
