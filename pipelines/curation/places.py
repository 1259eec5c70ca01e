"""The rows of a frozen set, as the catalog and the shards hold them: a column each, in order."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.curation.ids import Ids
from pipelines.curation.kinds import Pool
from pipelines.curation.layout import Layout
from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Split

BLOCK = 200_000
"""Rows that are written out at a time."""


@dataclass(frozen=True)
class Places:
    """Rows of a dataset, [R]; a row's position is its place here."""

    ids: Ids
    stages: NDArray[np.int32]
    padded: NDArray[np.bool_]
    tries: NDArray[np.int32]
    pass_rates: NDArray[np.float64]
    """Share of right answers when the dataset froze."""

    def __len__(self) -> int:
        return len(self.ids)

    def blocks(self) -> Iterator[tuple[int, "Places"]]:
        """Cut the rows into blocks, each with the position of its first row."""
        for start, end in pairwise([*range(0, len(self), BLOCK), len(self)]):
            yield start, self.part(start, end)

    def part(self, start: int, end: int) -> "Places":
        """Give the rows from one position to before another."""
        here = slice(start, end)
        return Places(
            Ids(self.ids.packed[here]),
            self.stages[here],
            self.padded[here],
            self.tries[here],
            self.pass_rates[here],
        )


def places_of_pool(pool: Pool, laid: Layout) -> Places:
    """Look up what the catalog and the shards keep of the rows of a set."""
    return Places(
        ids=pool.ids.take(laid.rows),
        stages=laid.stages,
        padded=laid.padded,
        tries=pool.told(lambda kind: kind.tries, np.int32, laid.rows),
        pass_rates=pool.told(lambda kind: kind.successes / kind.tries, np.float64, laid.rows),
    )


def dataset_rows(dataset: str, version: int, split: Split, places: Places) -> Iterator[pa.Table]:
    """Give the rows of the table `dataset_samples`, a block at a time."""
    for start, block in places.blocks():
        count = len(block)
        yield pa.table(
            {
                "dataset": pa.repeat(dataset, count),
                "version": pa.repeat(pa.scalar(version, pa.int32()), count),
                "position": pa.array(np.arange(start, start + count, dtype=np.int32)),
                "stage": pa.array(block.stages),
                "split": pa.repeat(split, count),
                "sample_id": block.ids.column,
                "padded": pa.array(block.padded),
                "tries": pa.array(block.tries),
                "pass_rate": pa.array(block.pass_rates),
            }
        )


def selection_hash(split: Split, places: Places) -> str:
    """Name what was selected: which samples, in which order, stage by stage.

    It is `content_hash([split, [[sample_id, stage, padded], …]])`, written a block at a time.
    """
    whole = hashlib.sha256(f"[{canonical_json(split)},[".encode())
    for start, block in places.blocks():
        rows = pc.binary_join_element_wise(
            ',["', block.ids.column, '",', _text(block.stages), ",", _text(block.padded), "]", ""
        )
        text = memoryview(rows.buffers()[2])[: pc.sum(pc.binary_length(rows)).as_py()]
        whole.update(text if start else text[1:])
    whole.update(b"]]")
    return whole.hexdigest()[:32]


def _text(values: NDArray[np.int32] | NDArray[np.bool_]) -> pa.Array:
    return pa.array(values).cast(pa.string())
