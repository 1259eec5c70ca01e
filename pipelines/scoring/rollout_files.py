"""Read rollouts that others wrote, JSON Lines or Parquet, as batches of typed columns.

A value of another type than its column's makes its row a reject; only a file that holds no
rollouts at all is refused.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.corpora.reading import BadRecord, Fields, parse
from pipelines.record.steps import Reject
from pipelines.scoring.columns import COLUMNS, STAGE, Incoming, typed
from pipelines.workspace import Failed, WrongUse

ROWS = 10_000
"""Rows in a batch, which is written in one burst."""
BYTES = 64 * 2**20
"""A batch ends early when its rows are this large."""


@dataclass(frozen=True, slots=True)
class RolloutFile:
    """A file of rollouts, read in batches."""

    path: Path
    is_parquet: bool
    is_zipped: bool = False

    @classmethod
    def open(cls, path: Path) -> "RolloutFile":
        """Look at what a file is. Raises WrongUse when it can hold no rollouts."""
        try:
            with path.open("rb") as file:
                head = file.read(4)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise WrongUse(f"there is no file {path}") from error
        named_parquet = path.suffix in (".parquet", ".pq")
        if not head:
            raise WrongUse(f"{path} is empty")
        if named_parquet and head != b"PAR1":
            raise WrongUse(f"{path} is not a Parquet file")
        return cls(path, named_parquet or head == b"PAR1", head.startswith(b"\x1f\x8b"))

    def count(self) -> int | None:
        """How many rows there are, where the file says so."""
        return int(self._parquet().metadata.num_rows) if self.is_parquet else None

    def batches(self) -> Iterator[Incoming]:
        """Read it. Raises Failed where it breaks off; the batches before stand."""
        try:
            yield from self._parquet_batches() if self.is_parquet else self._line_batches()
        except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
            said = str(error).splitlines()[0]
            raise Failed(f"{self.path} is damaged; what came before is kept ({said})") from error

    def _parquet(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowException, OSError) as error:
            raise WrongUse(f"{self.path} is not a whole Parquet file") from error

    def _parquet_batches(self) -> Iterator[Incoming]:
        file = self._parquet()
        names = file.schema_arrow.names
        known = [name for name in COLUMNS if name in names]
        if twice := [name for name in known if names.count(name) > 1]:
            raise WrongUse(f"{self.path} has the column {twice[0]!r} twice")
        if not {"sample_id", "source_ref"} & set(known):
            raise WrongUse(f"{self.path} has no column `sample_id`, nor `corpus` and `source_ref`")
        if not {"correct", "completion"} & set(known):
            raise WrongUse(f"{self.path} has neither a column `completion` nor `correct`")
        first = 1
        for batch in file.iter_batches(_rows_of(file), columns=known):
            refs = [f"{self.path.name}:{first + i}" for i in range(batch.num_rows)]
            yield typed(refs, {name: batch.column(name) for name in known})
            first += batch.num_rows

    def _line_batches(self) -> Iterator[Incoming]:
        refs: list[str] = []
        records: list[Fields] = []
        rejects: list[Reject] = []
        size = 0
        for number, line in self._lines():
            ref = f"{self.path.name}:{number}"
            try:
                records.append(parse(line))
                refs.append(ref)
            except BadRecord as error:
                rejects.append(Reject(STAGE, ref, STAGE, error.reason, error.detail[:300]))
            size += len(line)
            if len(records) + len(rejects) == ROWS or size > BYTES:
                yield _of_records(refs, records, rejects)
                refs, records, rejects, size = [], [], [], 0
        if records or rejects:
            yield _of_records(refs, records, rejects)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        opened = gzip.open if self.is_zipped else Path.open
        with opened(self.path, "rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1 and line.lstrip().startswith(b"["):
                    raise WrongUse(f"{self.path} holds a JSON array; write one object a line")
                if line.strip():
                    yield number, line


def _rows_of(file: pq.ParquetFile) -> int:
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    heaviest = max((g.total_byte_size / max(1, g.num_rows) for g in groups), default=1.0)
    return max(1, min(ROWS, int(BYTES / max(1.0, heaviest))))


def _of_records(refs: list[str], records: Sequence[Fields], rejects: Sequence[Reject]) -> Incoming:
    found = typed(refs, {name: [r.get(name) for r in records] for name in COLUMNS})
    return Incoming(found.rows, [*rejects, *found.rejects])
