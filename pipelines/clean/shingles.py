"""Runs of words as numbers, those that a good part of a corpus shares left out.

Axes: T texts, G pairs of a text and a run of words in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

COMMON_TEXTS = 50
COMMON_SHARE = 0.001
"""A run of words in more texts than the larger of these two says is boilerplate: the wording of
a template, not of a question (METHODS: contamination control)."""

_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_LOW = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Shingles:
    """The runs of words of some texts, each once a text."""

    key: NDArray[np.int64]
    """[G], ascending: the text's place above, 32 bits of the run's hash below."""
    size: NDArray[np.int64]
    """[T]: how many each text has."""
    texts_with: NDArray[np.int64]
    """[G]: how many texts have it, a few too many where hashes share a bucket."""

    @property
    def text(self) -> NDArray[np.int64]:
        """[G]: which text it is in."""
        return self.key >> 32

    @property
    def gram(self) -> NDArray[np.int64]:
        """[G]: which run of words it is."""
        return self.key & _LOW

    @property
    def start(self) -> NDArray[np.int64]:
        """[T]: where the runs of each text begin."""
        return np.cumsum(self.size) - self.size

    def beginnings(self, least: float) -> pa.Table:
        """Take of each text its rarest runs, as many as cannot all be missing from a like one.

        `least` is the Jaccard similarity from which on texts are alike. Runs that no other text
        has are left out.
        """
        # Rarity above, hash below: sorting these puts a text's rarest runs first.
        rare = np.minimum(self.texts_with, 255) << 24 | self.gram >> 8
        ordered = np.sort((self.key & ~_LOW) | rare)
        text = ordered >> 32
        size = self.size[text]
        place = np.arange(len(ordered)) - self.start[text]
        enough = size - np.ceil(least * size - 1e-9) + 1
        kept = (place < enough) & (ordered & _LOW >= 2 << 24)
        columns = {"text": text, "gram": ordered & _LOW, "size": size}
        return pa.table({name: column[kept] for name, column in columns.items()})


def shingles(texts: Sequence[str] | pa.Array, n: int = 3) -> Shingles:
    """Cut texts in plain words into runs of `n`; a shorter text is one run."""
    split = pc.split_pattern(pa.array(texts, pa.string()), " ")
    lengths = np.asarray(pc.list_value_length(split), np.int64)
    words = np.asarray(split.flatten().dictionary_encode().indices, np.uint64)
    key = _distinct(_runs(words + np.uint64(1), lengths, n))
    texts_with = _counts(key & _LOW)
    key, texts_with = _without_boilerplate(key, texts_with, len(lengths))
    return Shingles(key, np.bincount(key >> 32, minlength=len(lengths)), texts_with)


def _without_boilerplate(
    key: NDArray[np.int64], texts_with: NDArray[np.int64], texts: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    kept = texts_with <= max(COMMON_TEXTS, COMMON_SHARE * texts)
    return key[kept], texts_with[kept]


def _runs(words: NDArray[np.uint64], lengths: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Hash the runs of `n` words; give each below the place of its text."""
    text = np.repeat(np.arange(len(lengths)), lengths)
    start = np.cumsum(lengths) - lengths
    place = np.arange(len(words)) - start[text]
    first = np.flatnonzero((place + n <= lengths[text]) | (place == 0))
    left = (lengths[text] - place)[first]
    padded = np.concatenate([words, np.zeros(n, np.uint64)])
    hashed = np.zeros(len(first), np.uint64)
    for k in range(n):
        word = padded[first + k] * (left > k)
        hashed = (hashed ^ (word * _MULTIPLIERS[0])) * _MULTIPLIERS[1]
        hashed ^= hashed >> np.uint64(29)
    return text[first] << 32 | (hashed >> np.uint64(32)).astype(np.int64)


def _counts(grams: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count each 32-bit hash by the bucket of its upper bits; four buckets a run."""
    bits = min(28, max(16, len(grams).bit_length() + 2))
    bucket = grams >> (32 - bits)
    counts: NDArray[np.int64] = np.bincount(bucket, minlength=1 << bits)[bucket]
    return counts


def _distinct(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort and leave repetitions out; `np.unique` takes seventy times as long for millions."""
    ordered = np.sort(numbers)
    return ordered[np.diff(ordered, prepend=-1) > 0]
