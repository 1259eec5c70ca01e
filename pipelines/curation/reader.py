"""Shards read in any order: the rows by an index, the media straight from the mapped files.

What is held in memory is the columns that were asked for without the media, and sixteen bytes a
medium; the media themselves stay with the operating system, which keeps what is used.
"""

import mmap
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.curation.manifest import DatasetError, read_manifest
from pipelines.curation.pages import Spans, is_plain, spans
from pipelines.curation.shards import BYTES_COLUMN, SCHEMA, require_whole, sample_of
from pipelines.record.media import BadMedia, Media
from pipelines.record.sample import Sample

GROUPS_INDEXED = 100_000
"""Row groups whose media are remembered where they lie; about two kilobytes each."""


class ShardReader:
    """The rows of a dataset version by their positions, in any order, as often as wanted."""

    def __init__(
        self, folder: Path, *, columns: Sequence[str] = tuple(SCHEMA.names), check: bool = True
    ) -> None:
        """Open the shards in a folder; `columns` beside the media are those to give.

        Raises DatasetError, naming the shard, for one that is missing, damaged or not as we
        write them.
        """
        manifest = read_manifest(folder)
        if check:
            require_whole(folder, manifest)
        names = [shard.name for shard in manifest.shards]
        files = [_File(folder / name) for name in names]
        self.groups = [(file, number) for file in files for number in range(file.groups)]
        self.rows = pa.concat_tables([file.light(columns) for file in files]).combine_chunks()
        sizes = [file.rows(number) for file, number in self.groups]
        self._first_rows = [0, *accumulate(sizes)]
        lengths = pc.list_value_length(self.rows["media"]).to_numpy()
        self._media = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        self._spans = lru_cache(GROUPS_INDEXED)(self._spans_of)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def __getitem__(self, position: int) -> dict[str, Any]:
        """Give a row with the bytes of its media, as `read_rows` does."""
        if not 0 <= position < len(self):
            raise IndexError(f"there is no position {position} among {len(self)} rows")
        row: dict[str, Any] = self.rows.slice(position, 1).to_pylist()[0]
        for medium, data in zip(row["media"], self.media(position), strict=True):
            medium["bytes"] = bytes(data)
        return row

    def media(self, position: int) -> list[memoryview]:
        """Give the bytes of a row's media where they lie, without copying them."""
        group = bisect_right(self._first_rows, position) - 1
        file, spans_here = self._spans(group)
        nth = self._media.item
        before = nth(self._first_rows[group])
        here = spans_here[nth(position) - before : nth(position + 1) - before]
        return [file.data[at : at + size] for at, size in here.tolist()]

    def batches(self, order: Sequence[int] | NDArray[Any], size: int) -> Iterator[pa.Table]:
        """Give the rows in this order of positions, `size` at a time, with their media's bytes."""
        for start in range(0, len(order), size):
            positions = np.asarray(order[start : start + size], np.int64)
            rows = self.rows.take(pa.array(positions))
            yield rows.set_column(
                rows.schema.get_field_index("media"), "media", self._filled(rows, positions)
            )

    def sample(self, position: int) -> tuple[dict[str, Any], Sample]:
        """Give a row without its media, and its sample, whose media `read` gives."""
        row: dict[str, Any] = self.rows.slice(position, 1).to_pylist()[0]
        media = tuple(Media(medium["media_id"], medium["kind"]) for medium in row.pop("media"))
        return row, sample_of(row, media)

    def read(self, media_id: str) -> bytes:
        """Give the bytes of a medium of these rows. Raises BadMedia for any other."""
        prefixes, order = self._by_prefix
        wanted = np.uint64(int(media_id[:16], 16))
        first, last = (int(np.searchsorted(prefixes, wanted, side)) for side in ("left", "right"))
        for place in range(first, last):
            leaf = int(order[place])
            position = int(np.searchsorted(self._media, leaf, "right")) - 1
            nth = leaf - int(self._media[position])
            if self.rows["media"][position][nth]["media_id"].as_py() == media_id:
                return bytes(self.media(position)[nth])
        raise BadMedia("missing_file", f"media {media_id} is in none of these samples")

    @cached_property
    def _by_prefix(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The first half of a half of every medium's hash, in order, and which medium it is."""
        ids = pc.list_flatten(self.rows["media"]).combine_chunks().field("media_id")
        text = "".join(pc.utf8_slice_codeunits(ids, 0, 16).to_pylist())
        prefixes = np.frombuffer(bytes.fromhex(text), ">u8").astype(np.uint64)
        order = np.argsort(prefixes, kind="stable")
        return prefixes[order], order

    def _filled(self, rows: pa.Table, positions: NDArray[np.int64]) -> pa.Array:
        """Put the bytes of the media into the rows' column of media."""
        without = rows["media"].combine_chunks()
        views = [view for position in positions.tolist() for view in self.media(position)]
        ends = np.cumsum([0, *map(len, views)], dtype=np.int64)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(views))]
        data = pa.Array.from_buffers(pa.large_binary(), len(views), buffers).cast(pa.binary())
        media = without.flatten()
        fields = [media.field("media_id"), media.field("kind"), data]
        names = ["media_id", "kind", "bytes"]
        return pa.ListArray.from_arrays(without.offsets, pa.StructArray.from_arrays(fields, names))

    def _spans_of(self, group: int) -> tuple["_File", Spans]:
        file, number = self.groups[group]
        return file, file.spans(number)


class _File:
    """One shard, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.metadata = pq.read_metadata(path)
        self.groups: int = self.metadata.num_row_groups

    def rows(self, group: int) -> int:
        return int(self.metadata.row_group(group).num_rows)

    def light(self, columns: Sequence[str]) -> pa.Table:
        """Read the columns that were asked for, of the media only what names them."""
        names = [name for name in columns if name != "media"]
        of_media = [f"media.list.element.{part}" for part in ("media_id", "kind")]
        with pq.ParquetFile(self.path, memory_map=True) as file:
            return file.read([*names, *of_media], use_threads=False)

    def spans(self, group: int) -> Spans:
        row_group = self.metadata.row_group(group)
        columns = [row_group.column(i) for i in range(row_group.num_columns)]
        (bytes_column,) = [c for c in columns if c.path_in_schema == BYTES_COLUMN]
        if not is_plain(bytes_column):
            raise DatasetError(f"{self.path.name} keeps its media packed; curate it again")
        return spans(self.data, bytes_column)
