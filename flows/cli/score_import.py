"""`curricle score import`: rollouts made elsewhere, as another policy's evidence."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, show


def import_(
    file: Path,
    /,
    *,
    policy: str = "",
    revision: str = "",
    run: str = "",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    strict: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> int:
    """Bring rollouts in that were made elsewhere, as another policy's evidence.

    The same rollouts again, in another order or in pieces, add nothing. docs/evidence.md lists
    the columns.

    Parameters
    ----------
    file
        JSON Lines (plain or gzip) or Parquet, one rollout a row.
    policy
        Who answered, for the rows that do not say it.
    revision
        Revision of that policy, for the rows that do not say it.
    run
        Name of this set of tries, for the rows that do not say it: keeps its rollouts apart from
        those of other files that look the same.
    dry_run
        Say what would come in, and write nothing.
    strict
        Leave with exit code 3 when any row was rejected.
    """
    from flows.evidence import workspace_grading
    from flows.summaries import imported
    from pipelines.scoring.import_file import import_rollouts
    from pipelines.scoring.matching import Defaults

    workspace = common.open().require()
    with bars() as progress:
        summary = import_rollouts(
            workspace,
            file,
            Defaults(policy=policy, revision=revision, run=run),
            grading=workspace_grading(workspace),
            dry_run=dry_run,
            progress=progress,
        )
    show(summary, common, imported(summary, dry_run=dry_run))
    return 3 if strict and summary.rejected else 0
