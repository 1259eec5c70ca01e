"""Samples that are removed for good: for their licence, for somebody's privacy.

They go from the catalog and the media store with all that was said about them, are refused when
they come again, and the frozen versions that hold them are named, since those are on disk.
"""

from pipelines.catalog import Catalog


def withdrawn_questions(catalog: Catalog) -> frozenset[str]:
    """Give the questions that may not come back."""
    rows = catalog.rows("select distinct question_id from withdrawals")
    return frozenset(row["question_id"] for row in rows)
