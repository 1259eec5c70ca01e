"""Which errors are the person's, which are the world's, and what each is told."""

import errno


def explain(error: Exception) -> tuple[str, int]:
    """Give one sentence and an exit code: 2 for wrong use, 1 for what failed."""
    from augment.errors import AugmentError
    from pipelines.catalog import CatalogError, LockTimeout
    from pipelines.catalog.guarded import BadQuery
    from pipelines.corpora.reading import CorpusError
    from pipelines.curation.manifest import DatasetError
    from pipelines.policies.policy import PolicyUnavailable
    from pipelines.record.media import BadMedia
    from pipelines.workspace import Failed, WrongUse

    if isinstance(error, WrongUse | CorpusError | AugmentError | BadQuery):
        return str(error), 2
    failures = Failed | PolicyUnavailable | CatalogError | DatasetError | LockTimeout | BadMedia
    if isinstance(error, failures):
        return str(error), 1
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"the disk that holds {error.filename or 'the workspace'} is full; free some", 1
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be written; change its permissions or use another", 1
    return f"{type(error).__name__}: {error} (run it again with --debug for the details)", 1
