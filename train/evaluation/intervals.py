"""95% intervals by a cluster bootstrap: samples are drawn anew, each with all its answers.

Answers to one question are not independent, and two policies that were asked the same questions
are compared question by question.
"""

from typing import Any, TypeAlias

import numpy as np

Counts: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

RESAMPLES = 2000
FEWEST = 8
"""Samples below which no interval is given: a bootstrap over fewer is far too narrow."""
AT_ONCE = 4_000_000
"""Numbers drawn at a time."""


def bootstrap(right: Counts, n: Counts) -> tuple[float, float]:
    """The interval of accuracy, from right and graded answers of each sample."""
    if not n.sum():
        return 0.0, 1.0
    drawn_right, drawn_n = _drawn(np.stack([right, n], axis=1)).T
    return _quantiles(drawn_right / np.maximum(drawn_n, 1))


def paired_bootstrap(
    first_right: Counts, first_n: Counts, second_right: Counts, second_n: Counts
) -> tuple[float, float]:
    """The interval of the second accuracy less the first, both over the same drawn samples."""
    counts = np.stack([first_right, first_n, second_right, second_n], axis=1)
    if not first_n.sum() or not second_n.sum():
        return -1.0, 1.0
    one, one_n, other, other_n = _drawn(counts).T
    return _quantiles(other / np.maximum(other_n, 1) - one / np.maximum(one_n, 1))


def _drawn(counts: Counts) -> Counts:
    """Sums of each column over samples that are drawn with replacement, a row a resample."""
    # How often each sample is drawn, times what it holds: no resample is ever built.
    rng, samples = np.random.default_rng(0), len(counts)
    chances, part = np.full(samples, 1 / samples), max(1, AT_ONCE // samples)
    sizes = [min(part, RESAMPLES - start) for start in range(0, RESAMPLES, part)]
    return np.concatenate([rng.multinomial(samples, chances, size=k) @ counts for k in sizes])


def _quantiles(values: "np.ndarray[Any, np.dtype[np.float64]]") -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
