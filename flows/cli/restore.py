"""`curricle restore`: a workspace from its backup, or dataset versions from their folders."""

from pathlib import Path

from flows.cli.common import DEFAULTS, Common, bars, show


def restore(source: Path, /, *, common: Common = DEFAULTS) -> None:
    """Bring a workspace back from a backup, or dataset versions from their shards alone.

    A backup needs a new folder as --workspace. A version brings its samples and media into the
    workspace and is registered with the manifest that it has; what was there stays.

    Parameters
    ----------
    source
        A backup; or a dataset version, such as `datasets/digits/1`; or a folder of versions, such
        as `datasets`.
    """
    from flows.care_told import restored
    from pipelines.restore import restore

    workspace = common.open()
    with bars() as progress:
        done = restore(workspace, source, progress)
    show(done, common, restored(done))
