"""How many groups of completions will carry no signal: all right or all wrong, advantage zero.

With pass rate p and G completions that share is p^G + (1-p)^G; a sample's p is known only through
its rollouts, so the expectation is taken under its posterior Beta(k + 1/2, n - k + 1/2).
"""

import math
from collections.abc import Iterable
from functools import lru_cache

PRIOR = 0.5
"""Jeffreys' prior, as in the `difficulty` view."""


def expected_power(a: float, b: float, completions: int) -> float:
    """Give E[p^G] under Beta(a, b), which is B(a + G, b) / B(a, b), as a product."""
    return math.prod((a + i) / (a + b + i) for i in range(completions))


@lru_cache(maxsize=65536)
def zero_advantage(successes: int, tries: int, completions: int) -> float:
    """Give the chance that all of a sample's completions are right, or all wrong."""
    a, b = successes + PRIOR, tries - successes + PRIOR
    return expected_power(a, b, completions) + expected_power(b, a, completions)


def zero_advantage_share(outcomes: Iterable[tuple[int, int]], completions: int) -> float:
    """Average that chance over (successes, tries) of many samples; 0 for none of them."""
    chances = [zero_advantage(k, n, completions) for k, n in outcomes]
    return math.fsum(chances) / len(chances) if chances else 0.0
