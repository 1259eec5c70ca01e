"""What a run came to, from the catalog alone: facts, measurements, comparisons and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path

from pipelines.catalog import Catalog
from pipelines.record.canonical import content_hash
from pipelines.workspace import Workspace
from train.evaluation.comparison import Comparison, compare
from train.evaluation.curves import Curve, curve

SHORT = 12
"""Letters of a run's id that name it to people."""

_RUN = """
select r.run_id, r.dataset, r.version, d.control_of, coalesce(p.name, r.policy_id) as policy,
    coalesce(t.name || '@' || t.version, r.template_id) as template, r.seed, r.status,
    r.started_at, r.ended_at, o.rows_planned, o.never_seen, o.out_of_place,
    o.first_seen_otherwise
from runs r left join datasets d using (dataset, version)
left join policies p on p.policy_id = r.policy_id
left join templates t on t.template_id = r.template_id
left join run_orders o on o.run_id = r.run_id
where r.run_id = $run
"""
_SILENT = """
select coalesce(f.predicted_zero_advantage, d.predicted_zero_advantage) as predicted,
    f.predicted_low, f.predicted_high, f.zero_advantage as first_pass, f.all_right, f.all_wrong,
    (
        select avg(t.zero_advantage_share) from train_steps t join units u using (unit_id)
        where t.run_id = r.run_id and t.attempt = u.attempt
    ) as without_signal
from runs r left join signal_forecasts f using (run_id)
left join datasets d on d.dataset = r.dataset and d.version = r.version
where r.run_id = $run
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentGroups:
    """Shares of groups whose answers are all right or all wrong, and so teach nothing."""

    predicted: float | None
    """By curation, for a first pass of the policy as it was then."""
    predicted_low: float | None
    predicted_high: float | None
    first_pass: float | None
    """Found, the first time each row was asked."""
    all_right: float | None
    all_wrong: float | None
    without_signal: float | None
    """Groups of the whole run whose rewards, shaping included, were all equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run."""

    run_id: str
    dataset: str
    """`name@version`."""
    control_of: str | None
    """The dataset of which this one is the random control."""
    policy: str
    template: str
    seed: int
    status: str
    started_at: datetime
    ended_at: datetime | None
    rows_planned: int | None
    never_seen: int | None
    """Rows of the dataset that no step asked."""
    out_of_place: int | None
    """Rows that were asked elsewhere in the order than planned."""
    first_seen_otherwise: int | None
    """Rows that were first asked in another's place, or only to fill a batch."""
    silent: SilentGroups
    curve: Curve
    gains: dict[str, Comparison]
    """By set: the trained policy less the one that it started from."""

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.dataset}, seed {self.seed} ({self.run_id[:6]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsCompared:
    """How much better the second run ended than the first, on what both were asked."""

    first: str
    second: str
    sets: dict[str, Comparison]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Some runs."""

    runs: Sequence[RunReport]
    compared: Sequence[RunsCompared]
    pictures: Sequence[Path]


def report(workspace: Workspace, run_ids: Sequence[str]) -> Report:
    """Look runs up, compare them, and draw their curves into the workspace's `reports/`."""
    from train.evaluation.plots import draw_comparison, draw_run

    done, folder = summed_up(workspace, run_ids), workspace.root / "reports"
    pictures = [draw_run(run, folder / f"run-{run.run_id[:SHORT]}.png") for run in done.runs]
    if len(done.runs) > 1:
        named = content_hash(sorted(run.run_id for run in done.runs))[:SHORT]
        pictures.append(draw_comparison(done.runs, folder / f"runs-{named}.png"))
    return replace(done, pictures=pictures)


def summed_up(workspace: Workspace, run_ids: Sequence[str]) -> Report:
    """Look runs up and compare them; nothing is drawn."""
    runs = [run_report(workspace.catalog, run_id) for run_id in dict.fromkeys(run_ids)]
    pairs = [
        RunsCompared(
            first=first.run_id, second=second.run_id, sets=_compared(workspace, first, second)
        )
        for first, second in combinations(runs, 2)
    ]
    return Report(runs=runs, compared=[pair for pair in pairs if pair.sets], pictures=())


def run_report(catalog: Catalog, run_id: str) -> RunReport:
    """Look up one run."""
    with catalog.read() as connection:
        row = connection.execute(_RUN, {"run": run_id}).to_arrow_table().to_pylist()[0]
        silent = connection.execute(_SILENT, {"run": run_id}).to_arrow_table().to_pylist()[0]
    found = curve(catalog, run_id)
    version = row.pop("version")
    ends = {name: found.before_and_after(name) for name in found.measured}
    return RunReport(
        **row | {"dataset": f"{row['dataset']}@{version}"},
        silent=SilentGroups(**silent),
        curve=found,
        gains={name: compare(catalog, *pair) for name, pair in ends.items() if pair is not None},
    )


def _compared(workspace: Workspace, first: RunReport, second: RunReport) -> dict[str, Comparison]:
    """Compare where two runs ended, set by set, as far as both were asked the same."""
    shared = [name for name in first.curve.measured if name in second.curve.measured]
    found = {
        name: compare(
            workspace.catalog,
            first.curve.measured[name][-1].evaluation,
            second.curve.measured[name][-1].evaluation,
        )
        for name in shared
    }
    return {name: one for name, one in found.items() if one.over_all.samples}
