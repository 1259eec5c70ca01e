"""What a report is about: which dataset versions and which training runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.catalog import Catalog
from pipelines.record.canonical import content_hash
from pipelines.workspace import WrongUse

MOST_RUNS = 8
"""Training runs that one page shows."""
SHORT = 12
"""Letters of a run's id that name it to people."""

_SETS = """
select dataset, version, kind, control_of from datasets order by created_at, dataset, version
"""
_RUNS = "select run_id, dataset, version from runs order by started_at, run_id"


@dataclass(frozen=True, slots=True)
class FrozenSet:
    """A dataset version."""

    dataset: str
    version: int
    kind: str
    """`curated` or `control`."""
    control_of: str | None

    @property
    def label(self) -> str:
        """Name and version, as people write them."""
        return f"{self.dataset}@{self.version}"

    @property
    def pair(self) -> str:
        """The curated set that it is or belongs to."""
        return self.control_of or self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a page shows."""

    title: str
    file: str
    """Name of the page in the workspace's `reports/`."""
    sets: tuple[FrozenSet, ...] = ()
    """The curated set before its control."""
    runs: tuple[str, ...] = ()
    """Ids, in the order in which they began."""
    runs_left_out: int = 0


@dataclass
class _Found:
    """What was asked for so far."""

    pairs: dict[str, None] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)


def scope_of(catalog: Catalog, named: Sequence[str]) -> Scope:
    """Find the sets and runs that were named; none named: the newest set and its runs.

    Raises WrongUse for a name that is no dataset and no run.
    """
    with catalog.read() as connection:
        sets = [FrozenSet(*row) for row in connection.execute(_SETS).fetchall()]
        runs = {row[0]: f"{row[1]}@{row[2]}" for row in connection.execute(_RUNS).fetchall()}
    found = _Found()
    if not named and sets:
        curated = [one for one in sets if one.kind == "curated"] or sets
        _take_set(found, curated[-1], sets, runs)
    elif not named:
        found.runs.update(runs)
    for name in named:
        version = _set_named(sets, name)
        if version is not None:
            _take_set(found, version, sets, runs)
        else:
            run_id = _run_named(catalog, name)
            found.runs.add(run_id)
            found.pairs |= dict.fromkeys(s.pair for s in sets if s.label == runs[run_id])
    chosen = [run_id for run_id in runs if run_id in found.runs]
    title, file = _named(named, list(found.pairs), chosen)
    return Scope(
        title=title,
        file=file,
        sets=tuple(_of_pairs(sets, found.pairs)),
        runs=tuple(chosen[-MOST_RUNS:]),
        runs_left_out=max(0, len(chosen) - MOST_RUNS),
    )


def _take_set(
    found: _Found, version: FrozenSet, sets: Iterable[FrozenSet], runs: dict[str, str]
) -> None:
    """Take a version, its control, and every run on either."""
    found.pairs[version.pair] = None
    labels = {one.label for one in sets if one.pair == version.pair}
    found.runs.update(run_id for run_id, label in runs.items() if label in labels)


def _of_pairs(sets: Iterable[FrozenSet], pairs: Iterable[str]) -> list[FrozenSet]:
    return [
        one
        for pair in pairs
        for one in sorted(sets, key=lambda one: (one.kind == "control", one.label))
        if one.pair == pair
    ]


def _set_named(sets: Sequence[FrozenSet], name: str) -> FrozenSet | None:
    """Give the version that a name means, the newest where it says none; None for no dataset."""
    dataset, _, version = name.partition("@")
    versions = {str(one.version): one for one in sets if one.dataset == dataset}
    if not versions:
        return None
    if version and version not in versions:
        raise WrongUse(f"{dataset} has versions {', '.join(versions)}, not {version}")
    return versions[version] if version else max(versions.values(), key=lambda one: one.version)


def _run_named(catalog: Catalog, name: str) -> str:
    from train.evaluation.curves import find_run

    try:
        return find_run(catalog, name)
    except WrongUse as error:
        if not str(error).startswith("no run"):
            raise  # several runs begin so, and are named
        raise WrongUse(
            f"{name!r} is no dataset, and no run's id begins with it; "
            "`curricle status` lists what there is"
        ) from error


def _named(named: Sequence[str], pairs: list[str], runs: Sequence[str]) -> tuple[str, str]:
    """Give the title and the file name of the page."""
    if not named:
        return (pairs[0] if pairs else "Workspace"), "workspace.html"
    if len(named) == 1 and len(runs) == 1 and _is_run(named[0], runs[0], pairs):
        return f"Run {runs[0][:SHORT]}", f"run-{runs[0][:SHORT]}.html"
    if len(pairs) == 1 and len(named) == 1:
        return pairs[0], f"{pairs[0]}.html"
    title = " and ".join(named) if len(named) < 4 else f"{len(named)} sets and runs"
    return title, f"report-{content_hash(sorted(named))[:SHORT]}.html"


def _is_run(named: str, run_id: str, pairs: Sequence[str]) -> bool:
    return run_id.startswith(named) and named not in pairs
