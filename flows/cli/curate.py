"""`curricle curate`: freeze a plan into a dataset version."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, own_file, show


def curate(
    plan: Path,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> None:
    """Freeze a plan: the samples it chooses, in its order, with a control and a data card.

    A plan that chooses what its last version holds gives that version back.

    Parameters
    ----------
    plan
        TOML file, relative to here or to the workspace; docs/plans.md explains its keys.
    dry_run
        Say what would be chosen, and write nothing.
    """
    from flows.stages import curate
    from flows.summaries import frozen

    workspace = common.open().require()
    plan = own_file(workspace, plan)
    with bars() as progress:
        done = curate(workspace, plan, dry_run=dry_run, progress=progress)
    show(done, common, frozen(done, dry_run=dry_run))
