"""Making a report: what was named is found, its runs are summed up, and the page is written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.report.page import MEDIA_MEGABYTES, SAMPLES, Page, write_page
from flows.report.scope import scope_of
from pipelines.workspace import Progress, Workspace, silent

if TYPE_CHECKING:
    from train.evaluation.report import Report


def make_report(
    workspace: Workspace,
    about: Sequence[str],
    *,
    output: Path | None = None,
    samples: int = SAMPLES,
    media_megabytes: float = MEDIA_MEGABYTES,
    curves: bool = True,
    progress: Progress = silent,
) -> "tuple[Report, Page]":
    """Sum up the runs and write the page about what was named; `curves` as PNG, too.

    Raises WrongUse for a name that is no dataset and no run.
    """
    from train.evaluation.report import report, summed_up

    scope = scope_of(workspace.catalog, about)
    progress("summing up runs", 0, len(scope.runs) or None)
    done = (report if curves else summed_up)(workspace, scope.runs)
    progress("summing up runs", len(scope.runs), len(scope.runs) or None)
    page = write_page(
        workspace,
        scope,
        done,
        output or workspace.root / "reports" / scope.file,
        samples=samples,
        media_megabytes=media_megabytes,
        progress=progress,
    )
    return done, page
