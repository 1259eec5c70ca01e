"""How many groups of completions will carry no signal: all right or all wrong, advantage zero.

With pass rate p and G completions that share is p^G + (1-p)^G; a sample's p is known only through
its rollouts, so the expectation is taken under its posterior Beta(a + k, b + n - k). The prior
Beta(a, b) says how pass rates lie in the pool that the sample was chosen from: given p, the
choice by k and n tells no more of p, so the posterior holds for those that were chosen.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

PRIOR = 0.5
"""Jeffreys' prior, as in the `difficulty` view."""
NORMAL_95 = 1.959964

Prior: TypeAlias = tuple[float, float]
"""The pseudo-counts a of right and b of wrong answers."""
JEFFREYS: Prior = (PRIOR, PRIOR)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known of one sample of a pool."""

    sample_id: str
    corpus: str
    task: str
    successes: float
    tries: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a first pass over a set will see, if the policy stays as strong as it was."""

    all_right: float
    all_wrong: float
    low: float
    """95% interval of the share without signal that one pass sees, a normal approximation."""
    high: float

    @property
    def zero_advantage(self) -> float:
        """Expected share of groups that are all right or all wrong."""
        return self.all_right + self.all_wrong


def pool_priors(pool: Sequence[Counted]) -> dict[str, Prior]:
    """Fit how pass rates lie in a pool, by corpus and task where they have enough samples.

    Give it everything that was asked, not what was chosen of it: in a band the pass rates look
    middling because they were chosen so.
    """
    import numpy as np

    from pipelines.scoring.priors import priors_by_kind

    a, b = priors_by_kind(
        [counted.corpus for counted in pool],
        [counted.task for counted in pool],
        np.array([counted.tries for counted in pool], dtype=np.int64),
        np.array([round(counted.successes) for counted in pool], dtype=np.int64),
    )
    fitted = zip(a.tolist(), b.tolist(), strict=True)
    return {counted.sample_id: prior for counted, prior in zip(pool, fitted, strict=True)}


def forecast(
    rows: Iterable[tuple[str, float, int]],
    completions: int,
    priors: Mapping[str, Prior] | None = None,
) -> Forecast:
    """Predict from (sample_id, successes, tries) of every row, one group of completions each.

    `priors` are those of the pool by sample_id, Jeffreys' where there is none. Groups of one
    sample, where padding repeats it, share its unknown pass rate; different samples are
    independent.
    """
    times = Counter(rows)
    if not times:
        return Forecast(0.0, 0.0, 0.0, 0.0)
    known, groups = priors or {}, times.total()
    posteriors = [
        (_posterior(k, n, known.get(sample_id, JEFFREYS)), m)
        for (sample_id, k, n), m in times.items()
    ]
    right = math.fsum(m * expected_power(a, b, completions) for (a, b), m in posteriors) / groups
    wrong = math.fsum(m * expected_power(b, a, completions) for (a, b), m in posteriors) / groups
    variance = math.fsum(_variance(a, b, completions, m) for (a, b), m in posteriors)
    share, spread = right + wrong, NORMAL_95 * math.sqrt(variance) / groups
    return Forecast(right, wrong, max(0.0, share - spread), min(1.0, share + spread))


@lru_cache(maxsize=65536)
def expected_power(a: float, b: float, completions: int) -> float:
    """Give E[p^G] under Beta(a, b), which is B(a + G, b) / B(a, b), as a product."""
    return math.prod((a + i) / (a + b + i) for i in range(completions))


def all_right(successes: float, tries: int, completions: int, prior: Prior = JEFFREYS) -> float:
    """Give the chance that all of a sample's completions are right."""
    return expected_power(*_posterior(successes, tries, prior), completions)


def zero_advantage(
    successes: float, tries: int, completions: int, prior: Prior = JEFFREYS
) -> float:
    """Give the chance that all of a sample's completions are right, or all wrong."""
    a, b = _posterior(successes, tries, prior)
    return expected_power(a, b, completions) + expected_power(b, a, completions)


def _posterior(successes: float, tries: int, prior: Prior) -> tuple[float, float]:
    return prior[0] + successes, prior[1] + tries - successes


@lru_cache(maxsize=65536)
def _variance(a: float, b: float, completions: int, groups: int) -> float:
    """Give the variance of how many of a sample's groups carry no signal.

    Given p the groups are independent with chance z = p^G + (1-p)^G, so that it is
    m E[z] (1 - E[z]) + m (m - 1) Var z, with E[z^2] in closed form.
    """
    mean = expected_power(a, b, completions) + expected_power(b, a, completions)
    both = math.prod(
        (a + i) * (b + i) / ((a + b + 2 * i) * (a + b + 2 * i + 1)) for i in range(completions)
    )
    twice = 2 * completions
    square = expected_power(a, b, twice) + 2 * both + expected_power(b, a, twice)
    return groups * mean * (1 - mean) + groups * (groups - 1) * (square - mean * mean)
