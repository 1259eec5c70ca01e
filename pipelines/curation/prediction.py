"""How many groups of completions will carry no signal: all right or all wrong, advantage zero.

With pass rate p and G completions that share is p^G + (1-p)^G; a sample's p is known only through
its rollouts, so the expectation is taken under its posterior Beta(a + k, b + n - k). The prior
Beta(a, b) says how pass rates lie in the pool that the sample was chosen from: given p, the
choice by k and n tells no more of p, so the posterior holds for those that were chosen.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from pipelines.curation.kinds import Kind

PRIOR = 0.5
"""Jeffreys' prior, as in the `difficulty` view."""
NORMAL_95 = 1.959964

Prior: TypeAlias = tuple[float, float]
"""The pseudo-counts a of right and b of wrong answers."""
JEFFREYS: Prior = (PRIOR, PRIOR)


class Shown(NamedTuple):
    """What is known of a sample, and how many groups of completions a pass asks of it."""

    successes: float
    tries: int
    prior: Prior = JEFFREYS
    """That of the pool it was chosen from."""
    groups: int = 1
    """More than one where padding repeats it."""


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


def pool_priors(kinds: Sequence[Kind], samples: Sequence[int]) -> list[Prior]:
    """Fit how pass rates lie in a pool, by corpus and task where they have enough samples.

    Give it everything that was asked, `samples` of each kind, not what was chosen of it: in a
    band the pass rates look middling because they were chosen so.
    """
    import numpy as np

    from pipelines.scoring.priors import priors_by_kind

    a, b = priors_by_kind(
        [kind.corpus for kind in kinds],
        [kind.task for kind in kinds],
        np.array([kind.tries for kind in kinds], dtype=np.int64),
        np.array([round(kind.successes) for kind in kinds], dtype=np.int64),
        np.array(samples, dtype=np.int64),
    )
    return list(zip(a.tolist(), b.tolist(), strict=True))


def forecast(samples: Mapping[Shown, int], completions: int) -> Forecast:
    """Predict from how many samples are known and shown alike, one group of completions a row.

    Groups of one sample, where padding repeats it, share its unknown pass rate; different
    samples are independent.
    """
    groups = sum(shown.groups * count for shown, count in samples.items())
    if not groups:
        return Forecast(0.0, 0.0, 0.0, 0.0)
    known = [
        (_posterior(shown.successes, shown.tries, shown.prior), shown.groups, count)
        for shown, count in samples.items()
    ]
    right = total((m * expected_power(a, b, completions), n) for (a, b), m, n in known) / groups
    wrong = total((m * expected_power(b, a, completions), n) for (a, b), m, n in known) / groups
    variance = total((_variance(a, b, completions, m), n) for (a, b), m, n in known)
    share, spread = right + wrong, NORMAL_95 * math.sqrt(variance) / groups
    return Forecast(right, wrong, max(0.0, share - spread), min(1.0, share + spread))


def total(values: Iterable[tuple[float, int]]) -> float:
    """Add up numbers, each so many times, exactly: in whatever order, it is the same sum."""
    return float(sum((Fraction(value) * times for value, times in values), Fraction(0)))


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
