"""Pictures laid over each other, each pair once: what an earlier cleaning measured still holds."""

from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.catalog.catalog import Connection
from pipelines.clean.pixels import Looker
from pipelines.record.media import MediaStore

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("a_media_id", "b_media_id")),
        ("version", pa.int32()),
        ("difference", pa.float64()),
    ]
)

Pair = tuple[str, str, int]


@dataclass
class Compared:
    """Measures how far two pictures differ, and remembers it."""

    looker: Looker
    known: dict[Pair, float]
    new: dict[Pair, float] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection, store: MediaStore) -> "Compared":
        """Take up what the catalog remembers."""
        rows = connection.execute("from compared_pictures").fetchall()
        return cls(Looker(store.read), {(a, b, version): apart for a, b, version, apart in rows})

    def difference(self, first: str, second: str, version: int) -> float:
        """Give the difference of two media in the patch where it is largest, in levels of 255."""
        if first == second and not version:
            return 0.0
        pair = (first, second, version)
        if pair not in self.known:
            self.known[pair] = self.new[pair] = self.looker.difference(*pair)
        return self.known[pair]

    def new_rows(self) -> pa.Table:
        """Give what was measured and not known, for the catalog."""
        rows = [(*pair, difference) for pair, difference in sorted(self.new.items())]
        columns = zip(*rows, strict=True) if rows else ([],) * len(SCHEMA)
        return pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), SCHEMA)
