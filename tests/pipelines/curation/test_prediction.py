"""The predicted share of groups without signal: closed form, simulation and published numbers."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom

from pipelines.curation.prediction import all_right, expected_power, forecast, zero_advantage

TRIES, GROUP = 8, 8


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
    assert all_right(k, n, 8) == pytest.approx(np.mean(right == 8), abs=0.005)
    assert zero_advantage(k, n, 8) == pytest.approx(np.mean((right == 0) | (right == 8)), abs=0.005)


def test_the_share_of_a_set_is_the_mean_of_its_rows() -> None:
    ahead = forecast([("a", 0, 8), ("b", 4, 8), ("b", 4, 8), ("c", 8, 8)], 8)
    chances = [zero_advantage(k, 8, 8) for k in (0, 4, 4, 8)]
    assert ahead.zero_advantage == pytest.approx(np.mean(chances))
    assert ahead.all_right == pytest.approx(np.mean([all_right(k, 8, 8) for k in (0, 4, 4, 8)]))
    assert ahead.low < ahead.zero_advantage < ahead.high
    assert forecast([], 8).zero_advantage == 0.0


def test_the_prediction_is_what_a_pass_sees_even_of_a_set_chosen_by_the_same_answers() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 0.5, 40_000)
    k = rng.binomial(TRIES, p)
    in_band = (k >= 1) & (k <= 7)
    for chosen in (np.ones(len(p), bool), in_band):
        right = rng.binomial(GROUP, p[chosen])
        ahead = forecast(((str(i), int(k[i]), TRIES) for i in np.flatnonzero(chosen)), GROUP)
        sigma = (ahead.high - ahead.low) / (2 * 1.959964)
        assert np.mean(right == GROUP) == pytest.approx(ahead.all_right, abs=3 * sigma)
        assert np.mean(right == 0) == pytest.approx(ahead.all_wrong, abs=3 * sigma)
        seen = np.mean((right == 0) | (right == GROUP))
        assert seen == pytest.approx(ahead.zero_advantage, abs=3 * sigma)
    # What the answers themselves would predict, k/n for p, is far off: they were chosen to be mixed.
    raw = k[in_band] / TRIES
    assert np.mean(raw**GROUP + (1 - raw) ** GROUP) < seen - 10 * sigma


def test_a_pass_over_a_small_padded_set_falls_into_the_interval_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(2000):
        k = rng.binomial(TRIES, p := rng.beta(0.5, 0.5, 60))
        rows = np.concatenate([np.arange(60), np.repeat(rng.integers(60, size=4), 5)])
        ahead = forecast(((str(i), int(k[i]), TRIES) for i in rows), GROUP)
        right = rng.binomial(GROUP, p[rows])
        inside.append(ahead.low <= np.mean((right == 0) | (right == GROUP)) <= ahead.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


PRIORS = {
    "Beta(.5, .5), as assumed": (lambda rng, n: rng.beta(0.5, 0.5, n), 0.00, 0.00),
    "Beta(.2, .2)": (lambda rng, n: rng.beta(0.2, 0.2, n), -0.11, -0.04),
    "uniform": (lambda rng, n: rng.random(n), 0.07, 0.04),
    "Beta(2, 2)": (lambda rng, n: rng.beta(2, 2, n), 0.10, 0.07),
    "hard: Beta(.3, 1.5)": (lambda rng, n: rng.beta(0.3, 1.5, n), -0.07, -0.03),
    "half impossible": (
        lambda rng, n: np.where(rng.random(n) < 0.5, 0, rng.random(n)),
        -0.11,
        0.03,
    ),
}


@pytest.mark.parametrize("name", PRIORS)
def test_the_bias_of_a_wrong_prior_is_what_the_manual_says(name: str) -> None:
    draw, of_all, of_band = PRIORS[name]
    rng = np.random.default_rng(2)
    p: NDArray[np.float64] = draw(rng, 200_000)
    k = rng.binomial(TRIES, p)
    predicted = np.array([zero_advantage(i, TRIES, GROUP) for i in range(TRIES + 1)])[k]
    seen = p**GROUP + (1 - p) ** GROUP
    band = (k >= 1) & (k <= 7)
    errors = [float((predicted - seen)[chosen].mean()) for chosen in (k >= 0, band)]
    print(f"{name}: predicted less seen {errors[0]:+.3f} of all, {errors[1]:+.3f} of the band")
    assert errors == pytest.approx([of_all, of_band], abs=0.01)
