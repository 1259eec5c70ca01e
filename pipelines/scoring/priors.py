"""Empirical Bayes: what samples of one kind tell about the next, as a Beta prior.

The two parameters maximise the marginal likelihood of the counts, B(a + k, b + n - k) / B(a, b)
for each sample. Unlike moments of k/n it does not mind that asking stopped early where the
answers were alike: a stopping rule leaves the likelihood as it is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.scoring.tally import PRIOR

FEWEST = 50
"""Samples with answers that a kind needs for a prior of its own; below, the corpus lends its."""
SMALLEST, LARGEST = 0.1, 10.0
"""Bounds of both parameters: a prior never speaks louder than about twenty answers, nor makes
four wrong answers of an unusual sample a certainty."""

Floats = NDArray[np.float64]


def fit_prior(
    n: NDArray[np.int64],
    successes: NDArray[np.int64],
    samples: NDArray[np.int64] | None = None,
) -> tuple[float, float]:
    """Fit a and b of Beta(a, b) to counts; Jeffreys' where nothing has been asked.

    Each count is that of one sample, or of so many `samples`.
    """
    from scipy.optimize import minimize
    from scipy.special import betaln

    asked = n > 0
    if not asked.any():
        return PRIOR, PRIOR
    counts, which = np.unique(np.stack([n[asked], successes[asked]]), axis=1, return_inverse=True)
    weights = np.ones(len(n), np.int64) if samples is None else samples
    times = np.zeros(counts.shape[1], np.int64)
    np.add.at(times, which.ravel(), weights[asked])
    tries, right = counts

    def surprise(logs: Floats) -> float:
        a, b = np.exp(logs)
        return -float(times @ (betaln(a + right, b + tries - right) - betaln(a, b)))

    edges = (np.log(SMALLEST), np.log(LARGEST))
    found = minimize(surprise, np.log([PRIOR, PRIOR]), method="L-BFGS-B", bounds=[edges, edges])
    a, b = np.exp(found.x)
    # Rounded: the last digits of an optimiser must not decide who is asked again.
    return round(float(a), 3), round(float(b), 3)


def priors_by_kind(
    corpora: Sequence[str],
    tasks: Sequence[str],
    n: NDArray[np.int64],
    successes: NDArray[np.int64],
    samples: NDArray[np.int64] | None = None,
) -> tuple[Floats, Floats]:
    """Give a and b for each count: of its corpus and task, of its corpus, or of all of them.

    Each count is that of one sample, or of so many `samples`.
    """
    weights = np.ones(len(n), np.int64) if samples is None else samples
    a, b = np.full(len(n), PRIOR), np.full(len(n), PRIOR)
    everything = np.zeros(len(n), dtype=np.int64)
    corpus = np.unique(np.asarray(corpora, dtype=str), return_inverse=True)[1]
    pairs = np.asarray([f"{c}\0{t}" for c, t in zip(corpora, tasks, strict=True)], dtype=str)
    task = np.unique(pairs, return_inverse=True)[1]
    for kinds in (everything, corpus, task):  # the narrowest that has enough has the last word
        for kind in np.unique(kinds):
            here = kinds == kind
            if weights[here & (n > 0)].sum() >= FEWEST:
                a[here], b[here] = fit_prior(n[here], successes[here], weights[here])
    return a, b
