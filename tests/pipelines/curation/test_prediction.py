"""The predicted share of groups without signal: closed form, simulation and published numbers."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from pipelines.curation.prediction import expected_power, zero_advantage, zero_advantage_share


@pytest.mark.parametrize(
    ("prior", "shares"),
    [(0.5, (0.55, 0.39, 0.28)), (0.3, (0.66, 0.53, 0.43)), (1.0, (0.4, 0.22, 0.12))],
)
def test_shares_are_those_of_dynamic_sampling(prior: float, shares: tuple[float, ...]) -> None:
    found = [2 * expected_power(prior, prior, g) for g in (4, 8, 16)]
    assert found == pytest.approx(shares, abs=0.006)


@pytest.mark.parametrize(("k", "n"), [(0, 8), (3, 8), (8, 8), (1, 4)])
def test_the_closed_form_agrees_with_drawing_groups(k: int, n: int) -> None:
    p = beta(k + 0.5, n - k + 0.5).rvs(200_000, random_state=3)
    right = binom.rvs(8, p, random_state=4)
    assert zero_advantage(k, n, 8) == pytest.approx(np.mean((right == 0) | (right == 8)), abs=0.005)


def test_the_share_of_a_set_is_the_mean_of_its_samples() -> None:
    share = zero_advantage_share([(0, 8), (4, 8)], 8)
    assert share == pytest.approx((zero_advantage(0, 8, 8) + zero_advantage(4, 8, 8)) / 2)
    assert zero_advantage_share([], 8) == 0.0
