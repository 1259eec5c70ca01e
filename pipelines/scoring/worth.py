"""Whether another block of answers is worth its price: optimal stopping on the lattice of counts.

A decision about the band is wrong with probability min(q, 1 - q), where q is the posterior
probability that the pass rate is inside; an answer costs `price` wrong decisions. Going back
from the cap, stopping is right where its risk is no more than the price of a block plus the risk
expected after it (backward induction; DeGroot, Optimal Statistical Decisions, ch. 12).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.scoring.tally import Tally

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Stakes(NamedTuple):
    """The band to be decided, how many answers may be asked for, and what each costs."""

    low: float
    high: float
    block: int
    cap: int
    price: float


def is_worth_asking(stakes: Stakes, tally: Tally) -> Bools:
    """Say, element by element, whether to ask on. At the cap it never is."""
    worth = np.zeros(len(tally.n), dtype=bool)
    known = np.stack([tally.guess, tally.a, tally.b])
    kinds, kind_of = np.unique(known, axis=1, return_inverse=True)
    for kind, (guess, a, b) in enumerate(kinds.T.tolist()):
        here = (kind_of == kind) & (tally.n < stakes.cap)
        table = _table(stakes, guess, a, b)
        worth[here] = table[tally.n[here], tally.successes[here]]
    return worth


@lru_cache(maxsize=512)
def _table(stakes: Stakes, guess: float, prior_a: float, prior_b: float) -> Bools:
    """Whether to go on after n answers with k right ones, by [n, k]; false where k > n."""
    cap = stakes.cap
    go_on = np.zeros((cap + 1, cap + 1), dtype=bool)
    risk = np.zeros((cap + 1, cap + 1))
    for n in range(cap, -1, -1):
        k = np.arange(n + 1, dtype=np.float64)
        a, b = prior_a + k, prior_b + n - k
        stopping = _wrong(stakes, guess, a, b)
        block = min(stakes.block, cap - n)
        after = risk[n + block][np.arange(n + 1)[:, None] + np.arange(block + 1)]
        asking = stakes.price * block + (_chances(a, b, block) * after).sum(axis=1)
        go_on[n, : n + 1] = (asking < stopping) & (n < cap)
        risk[n, : n + 1] = np.where(go_on[n, : n + 1], asking, stopping)
    return go_on


def _wrong(stakes: Stakes, guess: float, a: Floats, b: Floats) -> Floats:
    """Probability that the better of the two decisions is wrong."""
    from scipy.special import betainc

    lower, upper = (guess + edge * (1 - guess) for edge in (stakes.low, stakes.high))
    inside = betainc(a, b, upper) - betainc(a, b, lower)
    wrong: Floats = np.minimum(inside, 1 - inside)
    return wrong


def _chances(a: Floats, b: Floats, block: int) -> Floats:
    """Beta-binomial probabilities of 0..block right answers, one row per posterior."""
    from scipy.special import betaln, gammaln

    j = np.arange(block + 1)
    ways = gammaln(block + 1) - gammaln(j + 1) - gammaln(block - j + 1)
    a, b = a[:, None], b[:, None]
    chances: Floats = np.exp(ways + betaln(a + j, b + block - j) - betaln(a, b))
    return chances
