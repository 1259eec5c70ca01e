"""The predicted share of groups without signal: closed form, simulation and published numbers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binom

from pipelines.curation.kinds import Kind
from pipelines.curation.prediction import (
    JEFFREYS,
    Forecast,
    Prior,
    Shown,
    all_right,
    expected_power,
    forecast,
    pool_priors,
    zero_advantage,
)

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
    ahead = forecast({Shown(0, 8): 1, Shown(4, 8, groups=2): 1, Shown(8, 8): 1}, 8)
    chances = [zero_advantage(k, 8, 8) for k in (0, 4, 4, 8)]
    assert ahead.zero_advantage == pytest.approx(np.mean(chances))
    assert ahead.all_right == pytest.approx(np.mean([all_right(k, 8, 8) for k in (0, 4, 4, 8)]))
    assert ahead.low < ahead.zero_advantage < ahead.high
    assert forecast({}, 8).zero_advantage == 0.0


def test_the_prediction_is_what_a_pass_sees_even_of_a_set_chosen_by_the_same_answers() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 0.5, 40_000)
    k = rng.binomial(TRIES, p)
    in_band = (k >= 1) & (k <= 7)
    for chosen in (np.ones(len(p), bool), in_band):
        right = rng.binomial(GROUP, p[chosen])
        ahead = forecast(Counter(Shown(int(right), TRIES) for right in k[chosen]), GROUP)
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
        times = Counter(rows.tolist())
        ahead = forecast(
            Counter(Shown(int(k[i]), TRIES, groups=m) for i, m in times.items()), GROUP
        )
        right = rng.binomial(GROUP, p[rows])
        inside.append(ahead.low <= np.mean((right == 0) | (right == GROUP)) <= ahead.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def asked(p: NDArray[np.float64], rng: np.random.Generator, task: str = "t") -> list[Kind]:
    """Ask samples of these pass rates; give what is known of each."""
    facts = {"corpus": "c", "task": task, "tries": TRIES, "guess_rate": 0.0}
    words = {"modality": "text", "answer_kind": "number"}
    return [Kind(successes=k, **facts, **words) for k in rng.binomial(TRIES, p).tolist()]  # type: ignore


def priors_of(pool: Sequence[Kind]) -> list[Prior]:
    return pool_priors(pool, [1] * len(pool))


def middling(pool: Sequence[Kind]) -> list[int]:
    return [i for i, kind in enumerate(pool) if 1 <= kind.successes <= TRIES - 1]


def ahead_of(pool: Sequence[Kind], chosen: Sequence[int], priors: Sequence[Prior]) -> Forecast:
    return forecast(Counter(Shown(pool[i].successes, TRIES, priors[i]) for i in chosen), GROUP)


def test_a_lucky_answer_in_a_hopeless_pool_is_taken_for_luck() -> None:
    rng = np.random.default_rng(3)
    hopeless = asked(rng.beta(0.15, 3, 800), rng, "hopeless")
    fair = asked(rng.beta(2, 2, 800), rng, "fair")
    priors = priors_of([*hopeless, *fair])
    lucky = {
        name: zero_advantage(1, 8, 8, priors[i]) for name, i in [("hopeless", 0), ("fair", -1)]
    }
    assert lucky["fair"] < zero_advantage(1, 8, 8) < lucky["hopeless"]


def test_a_pass_over_a_band_falls_into_the_interval_with_priors_of_the_pool() -> None:
    inside: dict[str, list[bool]] = {"fitted": [], "Jeffreys'": []}
    for seed in range(60):
        rng = np.random.default_rng([4, seed])
        p = np.concatenate([rng.beta(0.15, 3, 500), rng.beta(2, 2, 60)])
        pool = asked(p[:500], rng, "hopeless") + asked(p[500:], rng, "fair")
        chosen = middling(pool)
        right = rng.binomial(GROUP, p[chosen])
        seen = np.mean((right == 0) | (right == GROUP))
        for name, priors in (("fitted", priors_of(pool)), ("Jeffreys'", [JEFFREYS] * len(pool))):
            ahead = ahead_of(pool, chosen, priors)
            inside[name].append(bool(ahead.low <= seen <= ahead.high))
    print({name: float(np.mean(found)) for name, found in inside.items()})
    assert np.mean(inside["fitted"]) > 0.9
    assert np.mean(inside["Jeffreys'"]) < 0.8


def test_a_small_pool_is_taken_as_jeffreys_would() -> None:
    rng = np.random.default_rng(5)
    assert set(priors_of(asked(rng.random(20), rng))) == {(0.5, 0.5)}


SPREADS = {
    "Beta(.5, .5)": (lambda rng, n: rng.beta(0.5, 0.5, n), (0, 0), (0, 0)),
    "Beta(.2, .2)": (lambda rng, n: rng.beta(0.2, 0.2, n), (-11, -4), (0, 0)),
    "uniform": (lambda rng, n: rng.random(n), (7, 4), (0, 0)),
    "Beta(2, 2)": (lambda rng, n: rng.beta(2, 2, n), (10, 7), (0, 0)),
    "hard: Beta(.3, 1.5)": (lambda rng, n: rng.beta(0.3, 1.5, n), (-7, -3), (0, 0)),
    "half impossible, half uniform": (
        lambda rng, n: np.where(rng.random(n) < 0.5, 0, rng.random(n)),
        (-11, 4),
        (-1, 5),
    ),
    "seven of ten at .01, the others uniform": (
        lambda rng, n: np.where(rng.random(n) < 0.7, 0.01, rng.random(n)),
        (-15, -8),
        (0, -5),
    ),
    "four of five impossible, the others Beta(1, 3)": (
        lambda rng, n: np.where(rng.random(n) < 0.8, 0, rng.beta(1, 3, n)),
        (-22, 1),
        (-2, 8),
    ),
}
MANUAL = (Path(__file__).parents[3] / "docs" / "plans.md").read_text()


@pytest.mark.parametrize("name", SPREADS)
def test_the_bias_of_a_prior_is_what_the_manual_says(name: str) -> None:
    draw, jeffreys, fitted = SPREADS[name]
    rng = np.random.default_rng(2)
    p: NDArray[np.float64] = draw(rng, 40_000)
    pool = asked(p, rng)
    prior = priors_of(pool)[0]
    k = np.array([kind.successes for kind in pool], dtype=int)
    seen = p**GROUP + (1 - p) ** GROUP
    errors = []
    for used in (JEFFREYS, prior):
        chances = [zero_advantage(i, TRIES, GROUP, used) for i in range(TRIES + 1)]
        less = np.array(chances)[k] - seen
        errors += [float(less[chosen].mean()) for chosen in (k >= 0, middling(pool))]
    print(f"{name}: predicted less seen, all and band: {np.round(errors, 3)}, prior {prior}")
    assert errors == pytest.approx([x / 100 for x in (*jeffreys, *fitted)], abs=0.01)
    told = " | ".join(f"{x:+d}" if x else "0" for x in (*jeffreys, *fitted))
    assert f"| {name} | {told} |" in MANUAL
