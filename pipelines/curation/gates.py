"""Gates: samples whose right answers are worth less than they look, as probes have shown.

Both gates compare two pass rates above guessing, each known only through its posterior
Beta(k + 1/2, n - k + 1/2), and ask how probable the bad case is. A sample that no probe asked
about passes.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.curation.kinds import Kind, Probed
from pipelines.curation.plans import Gates
from pipelines.curation.prediction import PRIOR

Floats = NDArray[np.float64]

POINTS = 512
"""Equally probable values of the plain pass rate that a posterior probability is averaged over."""


def gate(kind: Kind, gates: Gates) -> str:
    """Give the reason why a probe speaks against a candidate; empty when none does."""
    blind, shuffled, guess = kind.blind, kind.shuffled, kind.guess_rate
    if blind is not None and gates.blind == "drop":
        chance = chance_solvable_blind(blind, guess, gates.blind_margin)
        if chance > gates.blind_probability:
            return "solvable_blind"
    if shuffled is not None and gates.shuffle == "drop":
        chance = chance_guessed(shuffled, guess, gates.shuffle_margin)
        if chance > gates.shuffle_probability:
            return "guessed"
    return ""


@lru_cache(maxsize=65536)
def chance_solvable_blind(probed: Probed, guess: float, margin: float) -> float:
    """Posterior probability that looking is worth no more than the margin.

    That is p_blind >= max(p - margin, margin), both above guessing. The floor is there because a
    question that is hardly ever solved is not solved blind, however small the difference.
    """
    floor = np.maximum(_plain_rates(probed, guess) - margin, margin)
    return 1 - float(np.mean(_below(probed, guess, floor)))


@lru_cache(maxsize=65536)
def chance_guessed(probed: Probed, guess: float, margin: float) -> float:
    """Posterior probability that the pass rate above guessing falls by more than the margin."""
    return float(np.mean(_below(probed, guess, _plain_rates(probed, guess) - margin)))


def _plain_rates(probed: Probed, guess: float) -> Floats:
    """Equally probable values of the plain pass rate above guessing, [POINTS]."""
    from scipy.special import betaincinv

    a, b = probed.successes + PRIOR, probed.tries - probed.successes + PRIOR
    rates: Any = betaincinv(a, b, (np.arange(POINTS) + 0.5) / POINTS)
    above: Floats = np.maximum(0.0, (rates - guess) / (1 - guess))
    return above


def _below(probed: Probed, guess: float, bounds: Floats) -> Floats:
    """Posterior probability that the probed pass rate above guessing is below each bound."""
    from scipy.special import betainc

    a = probed.probed_successes + PRIOR
    b = probed.probed_tries - probed.probed_successes + PRIOR
    # Above guessing, nothing is below 0: what is worse than guessing is no worse than guessing.
    below: Floats = np.where(bounds > 0, betainc(a, b, guess + (1 - guess) * bounds.clip(0, 1)), 0)
    return below
