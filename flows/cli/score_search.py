"""`curricle score search`: how much searching a right answer takes."""

from typing import Literal

from flows.cli.asking import PLAINLY, Asking
from flows.cli.common import DEFAULTS, Common, bars, settings_given, show


def search(
    *,
    where: str | None = None,
    mode: Literal["first-success", "faithful", "value"] | None = None,
    iterations: int | None = None,
    width: int | None = None,
    depth: int | None = None,
    limit: int | None = None,
    asking: Asking = PLAINLY,
    common: Common = DEFAULTS,
) -> None:
    """Tree-search the answers to some samples, step by step, until the first right one.

    Killed at any moment, the same command goes on where it stopped.

    Parameters
    ----------
    where
        SQL condition over `candidates` joined with `difficulty`, such as `pass_rate = 0`.
    mode
        Stop at the first right answer; do so to the letter of the published code; or go on, so
        that every beginning of an answer gets a value.
    iterations
        Most iterations per sample.
    width
        Next steps sampled when a node is expanded.
    depth
        Most steps of an answer.
    limit
        Most samples to search; 0 means all.
    """
    from flows import evidence
    from flows.settings import read_settings
    from flows.summaries import estimated, searched
    from pipelines.workspace import WrongUse

    workspace = common.open().require()
    settings = read_settings(workspace)
    who, root = asking.who(settings), asking.root(settings)
    wanted = settings_given(
        settings.search,
        where=where,
        mode=mode,
        iterations=iterations,
        width=width,
        depth=depth,
        limit=limit,
    )
    if not wanted.where:
        raise WrongUse(
            "say which samples to search: `--where 'pass_rate = 0'`, or `where` of [search] in "
            "curricle.toml"
        )
    if asking.dry_run:
        with bars() as progress:
            cost = evidence.estimate_search(workspace, who, wanted, seed=root, progress=progress)
        show(cost, common, estimated(cost))
        return
    with bars() as progress:
        done = evidence.search(
            workspace, who, wanted, seed=root, budget=asking.budget(settings), progress=progress
        )
    show(done, common, searched(done))
