"""What changed between two dataset versions: samples, pass rates, evidence, plan, forecast."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.catalog import Catalog
from pipelines.curation.counting import REASONS
from pipelines.curation.manifest import Manifest
from pipelines.workspace import Workspace

SHOWN = 5
"""Samples that are named where many changed."""
CLEAR = 0.125
"""Difference of two pass rates that is worth counting: one of eight tries."""

_PLACES = """
with before as (
    select sample_id, position, stage, pass_rate from dataset_samples
    where dataset = $1 and version = $2 and not padded
),
after as (
    select sample_id, position, stage, pass_rate from dataset_samples
    where dataset = $3 and version = $4 and not padded
)
select sample_id, s.corpus, s.task, s.question, b.stage as stage_before, a.stage as stage_after,
    b.pass_rate as rate_before, a.pass_rate as rate_after
from before b full outer join after a using (sample_id) left join samples s using (sample_id)
order by coalesce(a.position, b.position), sample_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A number, or a setting, in both versions."""

    of: str
    """What kind of thing: corpus, task, stage, dropped, plan, …"""
    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Shift:
    """A sample that is in both, with a pass rate that clearly differs."""

    sample_id: str
    task: str
    question: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Differences:
    """Two versions beside each other."""

    before: str
    after: str
    samples_before: int
    samples_after: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: int
    """Samples of both that stand in another stage."""
    stayed: int
    rate_before: float | None
    """Mean pass rate of the samples of both."""
    rate_after: float | None
    easier: int
    harder: int
    """Samples of both whose pass rate rose or fell by one of eight tries or more."""
    shifts: tuple[Shift, ...]
    """The largest of those, first."""
    counts: tuple[Change, ...]
    """Corpora, tasks and stages whose number of samples changed."""
    rules: tuple[Change, ...]
    """Rules that left out another number of samples."""
    evidence: tuple[Change, ...]
    """Graded tries by policy, template and grader, where they changed."""
    plan: tuple[Change, ...]
    leaks: tuple[Change, ...]
    revisions: tuple[Change, ...]
    without_signal: Change
    """Predicted share of groups from which nothing is learned."""


def differences(workspace: Workspace, before: Manifest, after: Manifest) -> Differences:
    """Compare two registered versions; each may be a control."""
    rows = _rows(workspace.catalog, before, after)
    both = [row for row in rows if None not in (row["stage_before"], row["stage_after"])]
    shifts = sorted((shift for row in both if (shift := _shift(row))), key=_size, reverse=True)
    return Differences(
        before=before.label,
        after=after.label,
        samples_before=before.samples,
        samples_after=after.samples,
        added=tuple(row["sample_id"] for row in rows if row["stage_before"] is None),
        removed=tuple(row["sample_id"] for row in rows if row["stage_after"] is None),
        moved=sum(row["stage_before"] != row["stage_after"] for row in both),
        stayed=len(both),
        rate_before=_mean([row["rate_before"] for row in both]),
        rate_after=_mean([row["rate_after"] for row in both]),
        easier=sum(shift.after > shift.before for shift in shifts),
        harder=sum(shift.after < shift.before for shift in shifts),
        shifts=tuple(shifts[:SHOWN]),
        counts=tuple(_counts(rows)),
        rules=tuple(_changes("dropped", before.counts.dropped, after.counts.dropped)),
        evidence=tuple(_changes("evidence", _tries(before), _tries(after))),
        plan=tuple(_changes("plan", _flat(before.plan), _flat(after.plan))),
        leaks=tuple(_changes("leaks", _leaks(before), _leaks(after))),
        revisions=tuple(_changes("revision", _revisions(before), _revisions(after))),
        without_signal=Change(
            "forecast",
            "without signal",
            float(before.predicted_zero_advantage),
            float(after.predicted_zero_advantage),
        ),
    )


def difference_lines(found: Differences) -> Iterator[str]:
    """Say it in Markdown."""
    yield f"# {found.before} → {found.after}\n"
    yield (
        f"{found.samples_before:,} → {found.samples_after:,} samples: {len(found.added):,} added, "
        f"{len(found.removed):,} removed, {found.stayed:,} in both, {found.moved:,} of these in "
        "another stage."
    )
    if found.rate_before is not None and found.rate_after is not None:
        yield (
            f"Mean pass rate of those in both: {found.rate_before:.1%} → {found.rate_after:.1%}; "
            f"{found.easier:,} became easier and {found.harder:,} harder by one of eight tries or more."
        )
    signal = found.without_signal
    yield (f"Predicted share of groups without signal: {signal.before:.1%} → {signal.after:.1%}.\n")
    yield from _table("Samples", found.counts)
    yield from _table("Largest shifts of pass rates", _as_changes(found.shifts))
    yield from _table("Left out", [_reason(change) for change in found.rules])
    yield from _table("Graded tries behind it", found.evidence)
    yield from _table("Plan", found.plan)
    yield from _table("Leaks removed", found.leaks)
    yield from _table("Revisions of corpora", found.revisions)
    if not any((found.plan, found.evidence, found.revisions)):
        yield "Plan, evidence and revisions of corpora are the same."


def _rows(catalog: Catalog, before: Manifest, after: Manifest) -> list[dict[str, Any]]:
    return catalog.rows(_PLACES, before.dataset, before.version, after.dataset, after.version)


def _shift(row: Mapping[str, Any]) -> Shift | None:
    before, after = row["rate_before"], row["rate_after"]
    if abs(after - before) < CLEAR:
        return None
    return Shift(row["sample_id"], row["task"] or "", row["question"] or "", before, after)


def _size(shift: Shift) -> tuple[float, str]:
    return round(abs(shift.after - shift.before), 9), shift.sample_id


def _mean(rates: list[float]) -> float | None:
    return sum(rates) / len(rates) if rates else None


def _counts(rows: list[dict[str, Any]]) -> Iterator[Change]:
    for of, keys in (
        ("corpus", ("corpus", "corpus")),
        ("task", ("task", "task")),
        ("stage", ("stage_before", "stage_after")),
    ):
        sides: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for side, key, stage in zip(sides, keys, ("stage_before", "stage_after"), strict=True):
            for row in rows:
                if row[stage] is not None:
                    name = "withdrawn" if row[key] is None else str(row[key])
                    side[name] = side.get(name, 0) + 1
        yield from _changes(of, *sides, absent=0)


def _changes(
    of: str, before: Mapping[str, Any], after: Mapping[str, Any], absent: Any = None
) -> Iterator[Change]:
    """Give what differs, by name; what one side lacks is `absent` there."""
    for name in sorted({**before, **after}):
        one, other = before.get(name, absent), after.get(name, absent)
        if one != other:
            yield Change(of, name, one, other)


def _tries(manifest: Manifest) -> dict[str, int]:
    tries: dict[str, int] = {}
    for used in manifest.evidence:
        name = (
            f"{used.policy or 'policy'} {used.policy_id[:8]}, "
            f"{used.template or used.template_id[:8]}, {used.reward_id}"
        )
        tries[name] = tries.get(name, 0) + used.tries
    return tries


def _leaks(manifest: Manifest) -> dict[str, int]:
    return {f"{leak.benchmark} {leak.revision}".strip(): leak.samples for leak in manifest.leaks}


def _revisions(manifest: Manifest) -> dict[str, str]:
    return {corpus.corpus: corpus.revision or "–" for corpus in manifest.corpora}


def _flat(plan: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Name every setting of a plan by its path."""
    flat: dict[str, Any] = {}
    for name, value in plan.items():
        path = f"{above}{name}"
        flat |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def _as_changes(shifts: tuple[Shift, ...]) -> list[Change]:
    return [
        Change(shift.task, f"{shift.sample_id[:12]} {shift.question}", shift.before, shift.after)
        for shift in shifts
    ]


def _reason(change: Change) -> Change:
    return Change(change.of, REASONS.get(change.name, change.name), change.before, change.after)


def _table(title: str, changes: "list[Change] | tuple[Change, ...]") -> Iterator[str]:
    from pipelines.curation.cards import escaped

    if not changes:
        return
    yield f"## {title}\n"
    yield "| | | before | after |\n|---|---|---|---|"
    for change in changes:
        cells = (change.of, change.name[:80], _told(change.before), _told(change.after))
        yield f"| {' | '.join(escaped(cell) for cell in cells)} |"
    yield ""


def _told(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
