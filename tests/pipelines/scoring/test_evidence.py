"""Stopping: the posterior is scipy's, the cap holds, and the cost is what was published."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta

from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.priors import fit_prior, priors_by_kind
from pipelines.scoring.tally import Tally


def test_the_posterior_is_the_beta_distribution_s() -> None:
    posterior = beta(3.5, 5.5)
    tally = Tally.of(8, 3)
    assert tally.inside(0.1, 0.9)[0] == pytest.approx(posterior.cdf(0.9) - posterior.cdf(0.1))
    below, above = tally.tails(0.1, 0.9)
    assert (below[0], above[0]) == pytest.approx((posterior.cdf(0.1), posterior.sf(0.9)))


def test_guessing_moves_the_band_up() -> None:
    # 20 of 40 on a yes/no question is what blind guessing gives.
    guessed, earned = Tally.of([40, 40], [20, 20], [0.5, 0.0]).inside(0.1, 0.9)
    assert guessed < 0.5 < earned


def test_nothing_asked_is_undecided_and_the_cap_ends_it() -> None:
    rule = StoppingRule(block=4, cap=16)
    assert rule.undecided(Tally.of([0, 16], [0, 2])).tolist() == [True, False]


def test_a_block_never_passes_the_cap() -> None:
    rule = StoppingRule(block=4, cap=10)
    assert rule.next_block([0, 4, 8, 10]).tolist() == [4, 4, 2, 0]


def test_few_open_samples_share_what_keeps_the_policy_busy() -> None:
    rule = StoppingRule(block=4, cap=32, fill=64)
    assert rule.next_block([4, 28], open_samples=2).tolist() == [28, 4]
    assert rule.next_block([4] * 16, open_samples=16).tolist() == [4] * 16
    assert StoppingRule(cap=32).next_block([4, 28], open_samples=2).tolist() == [4, 4]


@pytest.mark.parametrize(
    "changes", [{"low": 0.9, "high": 0.1}, {"block": 20, "cap": 16}, {"unknown": 1}]
)
def test_a_rule_that_makes_no_sense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"below|larger|Extra"):
        StoppingRule(**changes)  # type: ignore[arg-type]


def asked(
    rule: StoppingRule, answers: NDArray[np.int64], prior: tuple[float, float] = (0.5, 0.5)
) -> Tally:
    """Put a rule to answers that are drawn already: row i, column k is the k-th of sample i."""
    right = np.concatenate([np.zeros((len(answers), 1), int), answers.cumsum(axis=1)], axis=1)
    n = np.zeros(len(answers), int)
    while True:
        tally = Tally.of(n, right[np.arange(len(n)), n], 0.0, *prior)
        open_ = rule.undecided(tally)
        if not open_.any():
            return tally
        n = n + rule.next_block(n) * open_


def drawn(p: NDArray[np.float64], most: int, seed: int = 0) -> NDArray[np.int64]:
    return (np.random.default_rng(seed).random((len(p), most)) < p[:, None]).astype(np.int64)


def found(tally: Tally, p: NDArray[np.float64]) -> tuple[float, float]:
    """Recall and precision of the band .1 to .9."""
    truth, chosen = (p > 0.1) & (p < 0.9), tally.inside(0.1, 0.9) > 0.5
    return (chosen & truth).sum() / truth.sum(), (chosen & truth).sum() / chosen.sum()


U_SHAPED = np.random.default_rng(1).beta(0.5, 0.5, 20_000)


def test_sequential_stopping_costs_and_finds_what_simulation_says() -> None:
    # METHODS: blocks of 4, confidence .9, cap 16: about 12.1 rollouts, recall .884, precision .903.
    tally = asked(StoppingRule(block=4, cap=16), drawn(U_SHAPED, 16))
    assert tally.n.max() <= 16
    assert tally.n.mean() == pytest.approx(12.1, abs=0.5)
    assert found(tally, U_SHAPED) == pytest.approx((0.884, 0.903), abs=0.02)


def test_curtailed_asking_is_cheaper_and_decides_as_all_answers_would() -> None:
    answers = drawn(U_SHAPED, 8)
    tally = asked(StoppingRule(goal="mixed", block=4, cap=8), answers)
    mixed = (tally.successes > 0) & (tally.successes < tally.n)
    everything = answers.sum(axis=1)
    assert (mixed == ((everything > 0) & (everything < 8))).all()
    assert tally.n.mean() <= 0.8 * 8


def test_asking_while_it_is_worth_it_beats_asking_until_one_is_sure() -> None:
    answers = drawn(U_SHAPED, 32)
    sure = asked(StoppingRule(cap=32), answers)
    worth = asked(StoppingRule(cap=32, stop="worth", price=0.002), answers)
    truth = (U_SHAPED > 0.1) & (U_SHAPED < 0.9)

    def loss(tally: Tally) -> float:
        wrong = ((tally.inside(0.1, 0.9) > 0.5) != truth).mean()
        return float(wrong + 0.002 * tally.n.mean())

    assert worth.n.mean() < sure.n.mean()
    assert loss(worth) < loss(sure)


def test_no_answer_is_worth_a_price_above_every_risk() -> None:
    rule = StoppingRule(stop="worth", price=0.9, block=4, cap=16)
    tally = Tally.of([0, 4, 4], [0, 2, 0])
    assert rule.undecided(tally).tolist() == [True, False, False]


@pytest.mark.parametrize("truth", [(0.5, 0.5), (0.3, 1.5), (5.0, 1.0)])
def test_a_fitted_prior_finds_the_shape_although_asking_stopped_early(
    truth: tuple[float, float],
) -> None:
    p = np.random.default_rng(2).beta(*truth, 20_000)
    tally = asked(StoppingRule(cap=32), drawn(p, 32))
    a, b = fit_prior(tally.n, tally.successes)
    assert (a, b) == pytest.approx(truth, rel=0.1)


def test_a_fitted_prior_keeps_within_its_bounds() -> None:
    n = np.full(1000, 8)
    assert fit_prior(n, np.zeros(1000, int))[0] == pytest.approx(0.1)
    assert fit_prior(n * 0, n * 0) == (0.5, 0.5)


def test_a_kind_with_few_samples_borrows_from_its_corpus_and_that_from_all() -> None:
    corpora = ["big"] * 120 + ["small"] * 5
    tasks = ["easy"] * 60 + ["hard"] * 60 + ["easy"] * 5
    n = np.full(125, 8)
    successes = np.array([7, 8, 6] * 20 + [1, 0, 2] * 20 + [4] * 5)
    a, b = priors_by_kind(corpora, tasks, n, successes)
    mean = a / (a + b)
    assert mean[0] > 0.8
    assert mean[60] < 0.2
    assert mean[124] == pytest.approx(successes.sum() / n.sum(), abs=0.02)


def test_the_worth_of_asking_follows_from_the_tables_by_hand() -> None:
    # One more answer before the cap, Beta(1/2, 1/2) + 1 of 1: the risk now, and after each answer.
    rule: dict[str, Any] = {"stop": "worth", "block": 1, "cap": 2}
    now = Tally.of(1, 1).inside(0.1, 0.9)
    after = Tally.of([2, 2], [1, 2]).inside(0.1, 0.9)
    chance_right = 1.5 / 2
    risk = [float(min(q, 1 - q)) for q in (*now, *after)]
    gain = risk[0] - (1 - chance_right) * risk[1] - chance_right * risk[2]
    assert gain > 0
    cheap, dear = (StoppingRule(**rule, price=gain * factor) for factor in (0.9, 1.1))
    assert cheap.undecided(Tally.of(1, 1)).tolist() == [True]
    assert dear.undecided(Tally.of(1, 1)).tolist() == [False]
