"""`curricle withdraw`: remove samples for good."""

import sys
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, show
from pipelines.workspace import WrongUse


def withdraw(
    where: str | None = None,
    /,
    *,
    sample: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    corpus: str | None = None,
    source_ref: str = "*",
    reason: str = "",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    yes: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> None:
    """Remove samples for good, with all that was said about them; say which datasets hold them.

    Their views, media, rollouts and grades go with them, and the same question is refused when
    it comes again. Killed at any moment, the same command finishes the work.

    Parameters
    ----------
    where
        SQL condition over `candidates`: which samples to remove.
    sample
        Id of a sample to remove; may be given several times.
    corpus
        Remove what came from this corpus.
    source_ref
        With --corpus: only records whose reference fits this pattern, such as `train.jsonl:1*`.
    reason
        Why, in your own words; the catalog keeps it.
    dry_run
        Say what would go, and remove nothing.
    yes
        Do not ask whether you are sure.
    """
    from flows.stages import withdraw, withdrawing
    from flows.summaries import withdrawn

    workspace = common.open().require()
    chosen = withdrawing(workspace, where, sample, corpus, source_ref)
    planned = withdraw(workspace, chosen, reason=reason, dry_run=True)
    if dry_run:
        show(planned, common, withdrawn(planned, dry_run=True))
        return
    if not yes:
        _ask(planned.samples + planned.views)
    done = withdraw(workspace, chosen, reason=reason)
    show(done, common, withdrawn(done))


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise WrongUse(f"{count:,} samples would go for good; give --yes where nobody can be asked")
    print(f"{count:,} samples and views will go for good. Go on? [y/N] ", end="", file=sys.stderr)
    if input().strip().casefold() not in ("y", "yes"):
        raise WrongUse("nothing was removed")
