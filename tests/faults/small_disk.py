"""A disk so small that it is full at once."""

import shutil
from pathlib import Path


class SmallDisk:
    """A file system of 64 MiB, to be filled to the last byte and freed again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._filler = root / "filler"

    def leave(self, size: int) -> None:
        """Fill it until so many bytes are free."""
        self.empty()
        with self._filler.open("wb") as file:
            file.write(bytes(max(0, shutil.disk_usage(self.root).free - size)))

    def empty(self) -> None:
        """Give back what `leave` took."""
        self._filler.unlink(missing_ok=True)
