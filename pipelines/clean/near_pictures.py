"""Pictures whose perceptual hashes differ in few bits, found without comparing all with all.

Two hashes that differ in at most 7 of 64 bits differ in at most one within some quarter of 16:
what shares a quarter, or is one bit away from it there, is compared in full.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SURE = 7
"""Every pair within so many bits is found."""
NEAR = 10
"""Pairs within so many are taken where they are come across; unrelated pictures begin here."""

_QUARTERS = range(0, 64, 16)
_FLIPS = (0, *(1 << bit for bit in range(16)))


def near_hashes(hashes: NDArray[np.int64], bits: int = NEAR) -> pa.Table:
    """Give the pairs (a < b: places in `hashes`) within so many bits, with their distance."""
    found = list(_pairs(hashes, hashes, bits))
    return _distinct(found, len(hashes), symmetric=True)


def near_versions(versions: NDArray[np.int64], others: NDArray[np.int64]) -> pa.Table:
    """Give the pairs (a, b) where some version of picture a [A, 8] is near to hash b [B].

    `version` is the nearest one, the earliest of equals.
    """
    count = len(others)
    parts = []
    for version in range(versions.shape[1]):
        found = list(_pairs(versions[:, version], others, NEAR))
        pairs = _distinct(found, max(count, 1), symmetric=False)
        parts.append(pairs.append_column("version", pa.array([version] * len(pairs), pa.int32())))
    return _nearest(pa.concat_tables(parts))


def _nearest(pairs: pa.Table) -> pa.Table:
    """Keep the best version of each pair."""
    a, b, distance, version = (pairs.column(name).to_numpy() for name in pairs.column_names)
    order = np.lexsort((version, distance, b, a))
    a, b = a[order], b[order]
    first = np.ones(len(order), bool)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return pairs.take(order[first])


def _pairs(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], bits: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
    """Give places in both and distances, pair by pair; the same pair may come several times."""
    left, right = ours.view(np.uint64), theirs.view(np.uint64)
    for quarter in _QUARTERS:
        keys, order, starts = _sorted(right, quarter)
        wanted, by_key, _ = (keys, order, starts) if ours is theirs else _sorted(left, quarter)
        looking, near_by = left[by_key], right[order]
        for flip in _FLIPS:
            # Among themselves every pair would be met from both its ends.
            one_end = (wanted & flip) == 0 if ours is theirs and flip else slice(None)
            looked_up = wanted[one_end] ^ flip
            begin = starts[looked_up]
            count = starts[looked_up + 1] - begin
            a = np.repeat(np.arange(len(wanted), dtype=np.int32)[one_end], count)
            shift = np.repeat((begin - np.cumsum(count) + count).astype(np.int32), count)
            b = np.arange(len(a), dtype=np.int32) + shift
            distance = np.bitwise_count(looking[a] ^ near_by[b])
            near = distance <= bits
            yield by_key[a[near]], order[b[near]], distance[near]


def _sorted(
    hashes: NDArray[np.uint64], quarter: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Sort by 16 bits; give these, the order, and where each of their values begins."""
    keys = ((hashes >> np.uint64(quarter)) & np.uint64(0xFFFF)).astype(np.uint16)
    order = np.argsort(keys, kind="stable")
    counts = np.bincount(keys, minlength=1 << 16)
    return keys[order].astype(np.int32), order, np.concatenate([[0], np.cumsum(counts)])


def _distinct(
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]],
    count: int,
    *,
    symmetric: bool,
) -> pa.Table:
    a, b, distance = (np.concatenate(column) for column in zip(*found, strict=True))
    if symmetric:
        apart = a != b
        a, b, distance = np.minimum(a, b)[apart], np.maximum(a, b)[apart], distance[apart]
    # One number a pair; its distance below, so that sorting keeps them together.
    ordered = np.unique((a * count + b) << 7 | distance)
    pair = ordered >> 7
    return pa.table(
        {"a": pair // count, "b": pair % count, "distance": (ordered & 127).astype(np.int32)}
    )
