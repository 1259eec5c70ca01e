"""Texts that share most of their runs of words: every pair of them, found without comparing all.

Of two sets whose Jaccard similarity is at least s, each has a member of the other among its
rarest: it suffices to join these beginnings in SQL and to count exactly what is left (prefix
filtering: Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007). Unlike MinHash it misses no
pair, and needs no seeds.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.catalog.scratch import scratch
from pipelines.clean.shingles import Shingles, shingles

ALIKE = 0.8
"""Jaccard similarity of 3-grams from which on two questions are one."""
AT_ONCE = 5_000_000
"""Grams that are looked up together."""

_CANDIDATES = """
select distinct a.text as a, b.text as b
from beginnings a join beginnings b on a.gram = b.gram and a.text < b.text
where a.size >= $least * b.size and b.size >= $least * a.size
order by a, b
"""
_CONTAINED = """
select p.text as a, q.text as b, count(*) / any_value(p.size) as share
from parts p join wholes q using (gram)
group by p.text, q.text having share >= $least order by a, b
"""


def near_texts(texts: Sequence[str] | pa.Array, least: float = ALIKE) -> pa.Table:
    """Give the pairs (a < b: places in `texts`) that are so alike, with their similarity.

    Texts are in plain words and each different; boilerplate does not count.
    """
    cut = shingles(texts)
    with scratch(beginnings=cut.beginnings(least)) as connection:
        found = connection.execute(_CANDIDATES, {"least": least}).to_arrow_table()
    a, b = (found.column(name).to_numpy() for name in "ab")
    shared = _shared(cut, a, b)
    alike = shared / np.maximum(cut.size[a] + cut.size[b] - shared, 1)
    kept = alike >= least
    return pa.table({"a": a[kept], "b": b[kept], "similarity": alike[kept]})


def contained_texts(
    parts: Sequence[str], wholes: Sequence[str], *, n: int = 8, least: float = 0.5
) -> pa.Table:
    """Give the pairs (a of `parts`, b of `wholes`) where b has this share of a's runs of n words.

    Texts of fewer than n words contain nothing and are in nothing.
    """
    cut = shingles([*parts, *wholes], n)
    long = np.array([text.count(" ") + 1 >= n for text in (*parts, *wholes)], bool)
    of_part = cut.text < len(parts)
    kept = long[cut.text] & (cut.texts_with > 1)
    rows = pa.table({"text": cut.text, "gram": cut.gram, "size": cut.size[cut.text]})
    given, searched = rows.filter(kept & of_part), rows.filter(kept & ~of_part)
    with scratch(parts=given, wholes=searched) as connection:
        found = connection.execute(_CONTAINED, {"least": least}).to_arrow_table()
    b = found.column("b").to_numpy() - len(parts)
    return found.set_column(1, "b", pa.array(b))


def _shared(cut: Shingles, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the grams that the texts of each pair share."""
    counts = np.zeros(len(a), np.int64)
    ends = np.cumsum(cut.size[a])
    first = 0
    while first < len(a):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + AT_ONCE, side="right")))
        counts[first:last] = _shared_of(cut, a[first:last], b[first:last])
        first = last
    return counts


def _shared_of(cut: Shingles, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = cut.size[a]
    pair = np.repeat(np.arange(len(a)), sizes)
    place = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wanted = (b[pair] << 32) | cut.gram[cut.start[a][pair] + place]
    at = np.minimum(np.searchsorted(cut.key, wanted), len(cut.key) - 1)
    return np.bincount(pair[cut.key[at] == wanted], minlength=len(a))
