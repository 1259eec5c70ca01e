"""The time, as the catalog stores it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present as a naive UTC timestamp."""
    return datetime.now(UTC).replace(tzinfo=None)
