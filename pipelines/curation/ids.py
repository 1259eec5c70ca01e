"""Sample ids by the million: sixteen bytes each, not thirty-two letters, and their seeded draws."""

import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

WIDTH = 16
"""Bytes of an id; it is written with two hexadecimal digits for each."""

Packed = NDArray[np.void]
Rows = NDArray[np.int64]
"""Places of samples in a pool."""


@dataclass(frozen=True)
class Ids:
    """The ids of many samples, [N]."""

    packed: Packed
    """Each id as its 16 bytes."""

    @classmethod
    def of(cls, ids: Iterable[str]) -> Self:
        """Pack ids that are written out."""
        return cls(_unpacked_bytes(bytes.fromhex("".join(ids))))

    @classmethod
    def of_column(cls, column: pa.Array) -> Self:
        """Pack a column of strings without nulls."""
        if not len(column):
            return cls.of(())
        ends = np.frombuffer(column.buffers()[1], np.int32)[column.offset :][: len(column) + 1]
        text = memoryview(column.buffers()[2])[int(ends[0]) : int(ends[-1])]
        return cls(_unpacked_bytes(binascii.unhexlify(text)))

    @classmethod
    def together(cls, parts: Iterable["Ids"]) -> Self:
        """Join the ids of several parts."""
        packed = [part.packed for part in parts]
        return cls(np.concatenate(packed) if packed else _unpacked_bytes(b""))

    def __len__(self) -> int:
        return len(self.packed)

    def take(self, rows: NDArray[Any]) -> "Ids":
        """Give the ids in these places."""
        return Ids(self.packed[rows])

    @cached_property
    def column(self) -> pa.Array:
        """The ids written out, as a column of strings."""
        text = binascii.hexlify(self.packed.tobytes())
        ends = np.arange(len(self) + 1, dtype=np.int32) * (2 * WIDTH)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(text)]
        return pa.Array.from_buffers(pa.string(), len(self), buffers)

    def written(self) -> list[str]:
        """Give the ids written out."""
        ids: list[str] = self.column.to_pylist()
        return ids

    def ascending(self) -> Rows:
        """Give the places of the ids in ascending order."""
        return _ascending(self.packed)

    def shuffled(self, seed: int, purpose: str) -> Rows:
        """Give the places of the ids in a seeded order.

        An id's place beside another's does not depend on what else is there.
        """
        return _ascending(self._draws(seed, purpose))

    def _draws(self, seed: int, purpose: str) -> Packed:
        """Give the first half of the SHA-256 of seed, purpose and id: no two were ever alike."""
        text = binascii.hexlify(self.packed.tobytes())
        begun = hashlib.sha256(f"{seed}:{purpose}:".encode())
        digests = []
        for start in range(0, len(text), 2 * WIDTH):
            whole = begun.copy()
            whole.update(text[start : start + 2 * WIDTH])
            digests.append(whole.digest()[:WIDTH])
        return _unpacked_bytes(b"".join(digests))


def _unpacked_bytes(data: bytes) -> Packed:
    return np.frombuffer(data, np.dtype((np.void, WIDTH)))


def _ascending(packed: Packed) -> Rows:
    """Order by the first eight bytes, and by the others only where two agree in those."""
    halves = np.ascontiguousarray(packed).view(">u8").reshape(-1, 2)
    first = halves[:, 0].astype(np.uint64)
    order: Rows = np.argsort(first)
    if np.any(first[order[1:]] == first[order[:-1]]):
        order = np.lexsort((halves[:, 1], first))
    return order
