"""`curricle report`: what runs came to, in sentences and pictures."""

from flows.cli.common import DEFAULTS, Common, show


def report(run: str, /, *more: str, common: Common = DEFAULTS) -> None:
    """Sum up training runs, and draw their learning curves into the workspace's `reports/`.

    All of it comes from the catalog. Several runs are also compared with each other.

    Parameters
    ----------
    run
        A run by the beginning of its id, or `dataset@version` for its newest run.
    more
        Runs to compare with it.
    """
    from flows import stages
    from flows.summaries import reported

    workspace = common.open().require()
    done = stages.report(workspace, [run, *more])
    show(done, common, reported(done))
