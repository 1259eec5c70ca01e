"""Look at a whole workspace. Nothing is changed, and bad things become findings, never errors."""

from collections.abc import Iterator

from pipelines.catalog import CatalogError, LockTimeout
from pipelines.doctor.catalog_file import check_catalog_file, unopened
from pipelines.doctor.datasets import check_datasets
from pipelines.doctor.facts import gather
from pipelines.doctor.finding import Finding
from pipelines.doctor.invariants import check_rows
from pipelines.doctor.leftovers import check_leftovers
from pipelines.doctor.media import check_media
from pipelines.doctor.policies import check_policies
from pipelines.doctor.runs import check_runs
from pipelines.workspace import Progress, Workspace, silent

__all__ = ["examine"]


def examine(
    workspace: Workspace, *, quick: bool = False, progress: Progress = silent
) -> list[Finding]:
    """Check catalog, media, datasets, runs and policies; give what was found, the worst first.

    `quick` trusts that a file of the right size holds the right bytes, and reads no table through.
    """
    found = list(_found(workspace, quick=quick, progress=progress))
    return sorted(found, key=lambda finding: finding.severity != "broken")


def _found(workspace: Workspace, *, quick: bool, progress: Progress) -> Iterator[Finding]:
    yield from check_leftovers(workspace)
    progress("reading the catalog", 0, None)
    state = check_catalog_file(workspace.catalog, read_all=not quick)
    yield from state.findings
    if not state.usable:
        return
    try:
        facts, rows = gather(workspace.catalog), list(check_rows(workspace.catalog))
    except (CatalogError, LockTimeout) as error:
        yield unopened(workspace.catalog, error)
        return
    yield from rows
    yield from check_media(workspace, facts, quick=quick, progress=progress)
    yield from check_datasets(workspace, facts, quick=quick, progress=progress)
    yield from check_runs(workspace, facts)
    if not quick:
        yield from check_policies(workspace, facts, progress)
