"""Stopping: the posterior is scipy's, the cap holds, and the cost is what was published."""

import numpy as np
import pytest
from scipy.stats import beta

from pipelines.scoring.evidence import StoppingRule, in_band_probability


def test_the_posterior_is_the_beta_distribution_s() -> None:
    posterior = beta(3.5, 5.5)
    expected = posterior.cdf(0.9) - posterior.cdf(0.1)
    assert in_band_probability(8, 3, 0.0, 0.1, 0.9) == pytest.approx(expected)


def test_guessing_moves_the_band_up() -> None:
    # 5 of 10 on a yes/no question is what blind guessing gives.
    assert (
        in_band_probability(40, 20, 0.5, 0.1, 0.9) < 0.5 < in_band_probability(40, 20, 0, 0.1, 0.9)
    )


def test_nothing_asked_is_undecided_and_the_cap_ends_it() -> None:
    rule = StoppingRule(block=4, cap=16)
    assert rule.undecided([0, 16], [0, 2], [0.0, 0.0]).tolist() == [True, False]


def test_a_block_never_passes_the_cap() -> None:
    assert StoppingRule(block=4, cap=10).next_block([0, 4, 8, 10]).tolist() == [4, 4, 2, 0]


@pytest.mark.parametrize(
    "changes", [{"low": 0.9, "high": 0.1}, {"block": 20, "cap": 16}, {"unknown": 1}]
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"below|larger|Extra"):
        StoppingRule(**changes)  # type: ignore[arg-type]


def test_sequential_stopping_costs_and_finds_what_simulation_says() -> None:
    # 20,000 prompts with true rates from Beta(1/2, 1/2); blocks of 4, confidence .9, cap 16:
    # about 12.1 rollouts a prompt, recall .884 and precision .903 of the band .1 to .9.
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 0.5, 20_000)
    n, k = np.zeros(len(p), int), np.zeros(len(p), int)
    rule = StoppingRule(block=4, cap=16, confidence=0.9)
    while (open_ := rule.undecided(n, k, 0.0)).any():
        block = rule.next_block(n) * open_
        k += rng.binomial(block, p)
        n += block
    assert n.max() <= 16
    truth = (p > 0.1) & (p < 0.9)
    chosen = in_band_probability(n, k, 0.0, 0.1, 0.9) > 0.5
    assert n.mean() == pytest.approx(12.1, abs=0.5)
    assert (chosen & truth).sum() / truth.sum() == pytest.approx(0.884, abs=0.03)
    assert (chosen & truth).sum() / chosen.sum() == pytest.approx(0.903, abs=0.03)
