"""What a failed write is told to say: the place that it could not be written to."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def writing(place: Path | str) -> Iterator[None]:
    """Have an OSError of the body name this place: the system names only what it cannot open."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(place)
        raise
