"""How many groups of completions will carry no signal: all right or all wrong, advantage zero.

With pass rate p and G completions that share is p^G + (1-p)^G; a sample's p is known only through
its rollouts, so the expectation is taken under its posterior Beta(k + 1/2, n - k + 1/2).
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

PRIOR = 0.5
"""Jeffreys' prior, as in the `difficulty` view."""
NORMAL_95 = 1.959964


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


def forecast(rows: Iterable[tuple[str, int, int]], completions: int) -> Forecast:
    """Predict from (sample_id, successes, tries) of every row, one group of completions each.

    Groups of one sample, where padding repeats it, share its unknown pass rate; different samples
    are independent.
    """
    times = Counter(rows)
    if not times:
        return Forecast(0.0, 0.0, 0.0, 0.0)
    groups = times.total()
    right = math.fsum(m * all_right(k, n, completions) for (_, k, n), m in times.items()) / groups
    wrong = math.fsum(m * all_right(n - k, n, completions) for (_, k, n), m in times.items())
    variance = math.fsum(_variance(k, n, completions, m) for (_, k, n), m in times.items())
    share, spread = right + wrong / groups, NORMAL_95 * math.sqrt(variance) / groups
    return Forecast(right, wrong / groups, max(0.0, share - spread), min(1.0, share + spread))


def expected_power(a: float, b: float, completions: int) -> float:
    """Give E[p^G] under Beta(a, b), which is B(a + G, b) / B(a, b), as a product."""
    return math.prod((a + i) / (a + b + i) for i in range(completions))


@lru_cache(maxsize=65536)
def all_right(successes: int, tries: int, completions: int) -> float:
    """Give the chance that all of a sample's completions are right."""
    return expected_power(successes + PRIOR, tries - successes + PRIOR, completions)


def zero_advantage(successes: int, tries: int, completions: int) -> float:
    """Give the chance that all of a sample's completions are right, or all wrong."""
    wrong = tries - successes
    return all_right(successes, tries, completions) + all_right(wrong, tries, completions)


@lru_cache(maxsize=65536)
def _variance(successes: int, tries: int, completions: int, groups: int) -> float:
    """Give the variance of how many of a sample's groups carry no signal.

    Given p the groups are independent with chance z = p^G + (1-p)^G, so that it is
    m E[z] (1 - E[z]) + m (m - 1) Var z, with E[z^2] in closed form.
    """
    a, b = successes + PRIOR, tries - successes + PRIOR
    mean = zero_advantage(successes, tries, completions)
    both = math.prod(
        (a + i) * (b + i) / ((a + b + 2 * i) * (a + b + 2 * i + 1)) for i in range(completions)
    )
    twice = 2 * completions
    square = expected_power(a, b, twice) + 2 * both + expected_power(b, a, twice)
    return groups * mean * (1 - mean) + groups * (groups - 1) * (square - mean * mean)
