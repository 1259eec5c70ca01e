"""Which errors are the person's, which are the world's, and what each is told."""

import errno
import shutil
import sys

LEAST_FREE = 2**18
"""Bytes below which a disk is full, for whoever wanted to write."""


def explain(error: Exception) -> tuple[str, int]:
    """Give one sentence and an exit code: 2 for wrong use, 1 for what failed."""
    from augment.errors import AugmentError
    from pipelines.catalog import CatalogError, LockTimeout
    from pipelines.catalog.guarded import BadQuery
    from pipelines.catalog.lock import NoLocks
    from pipelines.corpora.reading import CorpusError
    from pipelines.curation.manifest import DatasetError
    from pipelines.policies.policy import PolicyUnavailable
    from pipelines.record.media import BadMedia
    from pipelines.workspace import Failed, WrongUse

    if isinstance(error, WrongUse | CorpusError | AugmentError | BadQuery):
        return str(error), 2
    failures = Failed | PolicyUnavailable | CatalogError | DatasetError | BadMedia
    failures |= LockTimeout | NoLocks
    if isinstance(error, failures):
        return str(error), 1
    if said := _of_the_disk(error):
        return said, 1
    return f"{type(error).__name__}: {error} (run it again with --debug for the details)", 1


def _of_the_disk(error: Exception) -> str:
    """Say which place is full or may not be written; empty for an error of another kind."""
    if isinstance(error, OSError) and error.filename is not None:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return f"the disk that holds {error.filename} is full; free some and run it again"
        if error.errno == errno.EROFS or isinstance(error, PermissionError):
            return f"{error.filename} may not be written; change its permissions or use another"
    # Libraries that write checkpoints say in words of their own that there was no room.
    for workspace in getattr(sys.modules.get("flows.cli.common"), "opened", ()):
        if workspace.root.exists() and shutil.disk_usage(workspace.root).free < LEAST_FREE:
            return f"the disk that holds {workspace.root} is full; free some and run it again"
    return ""
