"""What the runs of a report did: curves, signals, order, and curated against control."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flows.report.intake import rows
from flows.report.scope import Scope
from pipelines.catalog.catalog import Connection

if TYPE_CHECKING:
    from train.evaluation.comparison import Difference
    from train.evaluation.report import Report, RunReport

MOST_RANKS = 1_500
"""Rows whose planned and seen ranks are drawn; of more, every so many-th."""

_RANKS = """
with ranked as (
    select *, count(*) over (partition by run_id) as all_rows,
        row_number() over (partition by run_id order by position) as place
    from honoured h semi join samples s using (sample_id) where list_contains($runs, h.run_id)
)
select run_id, stage, lane, planned_rank, seen_rank, out_of_place, never_seen
from ranked where place % greatest(1, all_rows // $most) = 0
order by run_id, position
"""
_ORDERS = "select * from run_orders where list_contains($runs, run_id) order by run_id"


@dataclass(frozen=True, slots=True)
class Orders:
    """How true the runs were to their order."""

    ranks: Sequence[dict[str, Any]]
    sums: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run as the page shows it."""

    run: "RunReport"
    is_control: bool
    signals: Sequence[str]
    """A sentence for each signature that was noticed."""
    order: dict[str, Any] | None
    ranks: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """A curated run against a control run, on one set of held-out samples."""

    curated: str
    control: str
    set_name: str
    same_seed: bool
    difference: "Difference"
    """Curated less control."""


def read_orders(connection: Connection, scope: Scope) -> Orders:
    """Read planned and seen ranks of the runs."""
    if not scope.runs:
        return Orders((), ())
    runs = list(scope.runs)
    ranks = rows(connection, _RANKS, runs=runs, most=MOST_RANKS)
    return Orders(ranks, rows(connection, _ORDERS, runs=runs))


def run_views(done: "Report", orders: Orders) -> list[RunView]:
    """Join what the catalog says of each run; curated ones first."""
    from train.signals.summary import summarise

    views = [
        RunView(
            run=run,
            is_control=run.control_of is not None,
            signals=summarise([asdict(signal) for signal in run.curve.signals]),
            order=next((row for row in orders.sums if row["run_id"] == run.run_id), None),
            ranks=[row for row in orders.ranks if row["run_id"] == run.run_id],
        )
        for run in done.runs
    ]
    return sorted(views, key=lambda view: view.is_control)


def versus(done: "Report") -> list[Versus]:
    """Give every comparison of a curated set with its control, those of equal seeds first."""
    runs = {run.run_id: run for run in done.runs}
    found = []
    for pair in done.compared:
        first, second = runs[pair.first], runs[pair.second]
        if first.control_of == second.dataset:
            first, second, turned = second, first, False
        elif second.control_of == first.dataset:
            turned = True
        else:
            continue
        for name, comparison in pair.sets.items():
            one = comparison.over_all
            found.append(
                Versus(
                    curated=first.label,
                    control=second.label,
                    set_name=name,
                    same_seed=first.seed == second.seed,
                    difference=turned_round(one) if turned else one,
                )
            )
    return sorted(found, key=lambda one: (not one.same_seed, one.set_name, one.curated))


def turned_round(one: "Difference") -> "Difference":
    """Give the same comparison the other way round."""
    from train.evaluation.comparison import Difference

    return Difference(
        samples=one.samples,
        first=one.second,
        second=one.first,
        difference=-one.difference,
        low=None if one.high is None else -one.high,
        high=None if one.low is None else -one.low,
    )
