"""`curricle backup`: a second copy of the workspace, elsewhere."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, show


def backup(
    folder: Path,
    /,
    *,
    policies: Annotated[bool, Parameter(negative="--no-policies")] = True,
    common: Common = DEFAULTS,
) -> int:
    """Copy the workspace to a folder, and the next time only what is new; others may go on working.

    The copy is a workspace itself: `curricle doctor --workspace FOLDER` checks it, and
    `curricle restore` brings it back. Leaves with exit code 1 when something here is damaged and
    could not be copied.

    Parameters
    ----------
    folder
        Where the copy lies: a new or empty folder, or the one of the last backup; best on another
        disk.
    policies
        Whether weights are copied, too: those in `policies` and those of finished runs.
    """
    from flows.care_told import backed_up
    from pipelines.backup import backup

    workspace = common.open().require()
    with bars() as progress:
        done = backup(workspace, folder, policies=policies, progress=progress)
    show(done, common, backed_up(done))
    return 1 if done.damaged else 0
