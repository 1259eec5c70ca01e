"""Each formula gives what was computed by hand."""

import math

import numpy as np
import pytest
from pools_and_learners import order_by, outcome, pool_of_rates
from scipy.stats import beta as beta_distribution

from train.curricula.adarft import AdarftOrder
from train.curricula.arms import ArmsOrder
from train.curricula.bandit import BanditOrder
from train.curricula.e2h import E2hOrder, classic, cosine, gaussian
from train.curricula.greso import GresoOrder
from train.curricula.lanes import LaneTurns
from train.curricula.order import Outcome
from train.curricula.variance import signal
from train.curricula.weighted import WeightedOrder


def test_classic_goes_level_by_level() -> None:
    levels = [int(np.argmax(classic(t / 8, 4))) for t in range(9)]
    assert levels == [0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_cosine_turns_falling_weights_into_rising_ones() -> None:
    assert cosine(0.0, 3) == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    assert cosine(0.5, 3) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert cosine(1.0, 3) == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    quarter = 0.5 * (1 + math.cos(math.pi / 4))
    assert cosine(0.25, 2)[0] == pytest.approx((2 * quarter + (1 - quarter)) / 3)


def test_gaussian_moves_its_middle_by_the_root_of_progress() -> None:
    # K = 3, floor 1/6; at a quarter the middle is sqrt(.25) * 2 = 1.
    bell = [math.exp(-2), 1.0, math.exp(-2)]
    expected = [1 / 6 + 0.5 * q / sum(bell) for q in bell]
    assert gaussian(0.25, 3, 0.5, 0.5) == pytest.approx(expected)


@pytest.mark.parametrize("levels", [1, 2, 3, 7])
@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_levels_sum_to_one_and_keep_their_floor(levels: int, progress: float) -> None:
    floor = 2 / (levels * (levels + 1))
    for chances in (cosine(progress, levels), gaussian(progress, levels, 0.5, 0.5)):
        assert chances.sum() == pytest.approx(1)
        assert chances.min() >= floor - 1e-12


def test_levels_have_equal_counts_by_pass_rate_above_guessing() -> None:
    # .5 of a yes/no question is nothing above guessing: harder than .25 of an open one.
    pool = pool_of_rates([0.5, 0.25, 1.0, 0.75], guess=[0.5, 0.0, 0.0, 0.0])
    order = order_by("e2h", pool, levels=2)
    assert isinstance(order, E2hOrder)
    assert order.arms.tolist() == [1, 1, 0, 0]


def test_stages_serve_as_levels() -> None:
    pool = pool_of_rates([0.5] * 4, stages=[2, 2, 5, 5])
    order = order_by("e2h", pool, levels_by="stages", schedule="classic", batches=2)
    assert [sorted(order.next_batch(2).rows) for _ in range(2)] == [[0, 1], [2, 3]]


def test_a_small_level_wraps_round() -> None:
    pool = pool_of_rates([1.0, 0.9, 0.1, 0.0])
    order = order_by("e2h", pool, levels=2, schedule="classic", batches=8)
    assert [order.next_batch(1).rows[0] for _ in range(8)] == [0, 1, 0, 1, 2, 3, 2, 3]


def test_the_adarft_target_moves_by_the_formula() -> None:
    order = order_by("adarft", pool_of_rates([0.5] * 20), start=50, step=5, smoothing=0.5)
    assert isinstance(order, AdarftOrder)
    order.observe([outcome(0, 1.0)])
    assert order.target == pytest.approx(50 + 5 * math.tanh(1.0))
    order.observe([outcome(1, 0.0), outcome(2, None)])  # the running accuracy is .5: steady
    assert order.target == pytest.approx(50 + 5 * math.tanh(1.0))


def test_adarft_hears_accuracy_above_guessing() -> None:
    pool = pool_of_rates([0.5] * 4, guess=[0.5] * 4)
    order = order_by("adarft", pool, start=50, smoothing=0.0)
    assert isinstance(order, AdarftOrder)
    order.observe([outcome(0, 0.5)])
    assert order.target == pytest.approx(50 - 5 * math.tanh(1.0))
    assert order.difficulties.tolist() == [100.0] * 4


def test_adarft_takes_the_nearest_unseen_and_repeats_none_while_steady() -> None:
    rates = (np.arange(101) / 100).tolist()
    order = order_by("adarft", pool_of_rates(rates), start=50)
    assert order.next_batch(3).rows == (50, 49, 51)
    seen = [50, 49, 51]
    for _ in range(32):
        rows = order.next_batch(3).rows
        order.observe([outcome(row, 0.5) for row in rows])
        seen += rows
    assert len(set(seen)) == len(seen) == 99


def test_a_batch_over_the_end_of_an_adarft_pass_has_no_row_twice() -> None:
    order = order_by("adarft", pool_of_rates([0.0, 0.25, 0.5, 0.75, 1.0]), step=50, smoothing=0.0)
    assert order.next_batch(3).rows == (2, 1, 3)
    order.observe([outcome(2, 0.0)])  # the target falls to 12: row 4 is nearest, and left
    assert order.next_batch(3).rows == (4, 0, 3)


def test_the_variance_score_is_vcrl_for_even_groups() -> None:
    for size in (4, 8, 16):
        right = np.arange(size + 1)
        ours = signal(right / size)
        variance = right * (size - right) / (size * (size - 1))
        assert ours == pytest.approx(variance / (size / (4 * (size - 1))))


def weights_of(by: str, rates: list[float | None], **options: object) -> WeightedOrder:
    order = order_by(by, pool_of_rates(rates), **options)
    assert isinstance(order, WeightedOrder)
    return order


def test_variance_mixes_scores_with_a_uniform_share() -> None:
    order = weights_of("variance", [0.5, 0.25, 0.0, None], weighted=0.8)
    expected = [0.8 * w / 2.75 + 0.05 for w in (1.0, 0.75, 0.0, 1.0)]
    assert order.probabilities(0) == pytest.approx(expected)


def test_observed_groups_join_older_evidence() -> None:
    order = weights_of("variance", [0.0, 0.0], keep=0.5)
    order.observe([outcome(0, 1.0)])  # (.5 * 0 + 1) / (.5 + 1) = 2/3
    assert order.weights == pytest.approx([4 * (2 / 3) * (1 / 3), 0.0])


def test_stale_evidence_gives_way_to_the_frozen_pass_rate() -> None:
    order = weights_of("variance", [0.0, 0.5, 0.5], expires=3)
    frozen = order.weights.tolist()
    order.next_batch(1)
    order.observe([outcome(0, 0.5)])
    order.next_batch(1)
    order.observe([outcome(1, 1.0)])
    assert order.weights[0] > 0
    assert order.weights[1] < 1
    order.next_batch(1)
    order.next_batch(1)
    order.next_batch(1)
    assert order.weights[0] == frozen[0]  # three batches after it was observed
    assert order.weights[1] < 1
    order.next_batch(1)
    assert order.weights.tolist() == frozen


def test_drawn_rows_follow_the_probabilities() -> None:
    order = weights_of("variance", [0.5, 0.1, 0.9, 0.0, 1.0])
    expected = order.probabilities(0)
    counts = np.bincount([order.next_batch(1).rows[0] for _ in range(2000)], minlength=5)
    assert counts / 2000 == pytest.approx(expected, abs=0.04)


def test_priority_is_failure_capped_by_the_chance_of_being_solvable() -> None:
    order = weights_of("prioritised", [0.5, 0.0, 1.0], answers=8, solvable=0.05)
    expected = [
        1 - 4.5 / 9,
        beta_distribution.sf(0.05, 0.5, 8.5),  # below 1 - s = 1 - .5 / 9
        1 - 8.5 / 9,
    ]
    assert order.weights == pytest.approx(expected)


def test_what_is_never_solved_loses_its_priority() -> None:
    order = weights_of("prioritised", [0.25, 0.0], answers=8)
    for _ in range(8):
        order.observe([outcome(0, 0.25), outcome(1, 0.0)])
    assert order.weights[1] < 0.1 * order.weights[0]


def bandit(**options: object) -> BanditOrder:
    pool = pool_of_rates([0.5] * 6, categories=["a", "a", "b", "b", "c", "c"])
    order = order_by("bandit", pool, **options)
    assert isinstance(order, BanditOrder)
    return order


def test_the_value_of_a_category_goes_towards_what_it_gained() -> None:
    order = bandit(rate=0.25)
    assert order.values.tolist() == [1, 1, 1]  # what rates of a half promise
    order.observe([Outcome(row=r, accuracy=0.0, abs_advantage=a) for r, a in [(2, 0.0), (3, 0.4)]])
    assert order.values == pytest.approx([1, 0.75 * 1 + 0.25 * 0.2, 1])


def test_categories_are_drawn_by_softmax_above_a_floor() -> None:
    order = bandit(temperature=0.5, floor=0.1)
    order.values = np.array([1.0, 0.5, 0.0])
    soft = np.exp([2.0, 1.0, 0.0]) / np.exp([2.0, 1.0, 0.0]).sum()
    assert order.probabilities() == pytest.approx(0.1 + 0.7 * soft)
    order.values = np.array([1000.0, 0.0, 0.0])
    assert order.probabilities() == pytest.approx([0.8, 0.1, 0.1])


def test_greso_asks_with_p_to_the_number_of_dead_groups() -> None:
    order = order_by("greso", pool_of_rates([0.5] * 400), floor=0.01)
    assert isinstance(order, GresoOrder)
    for accuracies in [(1.0, 0.0, 1.0), (1.0, 0.0, 0.5), (1.0, 1.0, 0.0)]:
        order.observe([outcome(row, accuracy) for row, accuracy in enumerate(accuracies)])
    assert order.chances(np.arange(4)) == pytest.approx([0.125, 0.5, 0.5, 1.0])
    for _ in range(20):
        order.observe([outcome(0, 1.0)])
    assert order.chances(np.array([0])) == pytest.approx([0.01])


def test_greso_asks_less_of_what_fills_more_than_its_share() -> None:
    order = order_by("greso", pool_of_rates([0.5] * 4))
    assert isinstance(order, GresoOrder)
    order.next_batch(2)
    order.observe([outcome(0, 1.0), outcome(1, 0.5)])
    assert (order.easy, order.hard) == (0.5, 0.5)  # not before a whole pass
    order.next_batch(2)
    order.observe([outcome(2, 1.0), outcome(3, 0.5)])
    assert (order.easy, order.hard) == pytest.approx((0.49, 0.51))


@pytest.mark.parametrize("sizes", [{0: 70, 1: 30}, {0: 1, 1: 99}, {0: 5, 1: 5, 2: 7}])
def test_lanes_are_never_more_than_a_turn_from_their_share(sizes: dict[int, int]) -> None:
    turns, taken = LaneTurns(sizes), dict.fromkeys(sizes, 0)
    for n in range(1, 300):
        taken[turns.take()] += 1
        for lane, size in sizes.items():
            assert abs(taken[lane] - n * size / sum(sizes.values())) <= 1


def test_a_small_lane_has_its_turn_in_the_middle() -> None:
    turns = LaneTurns({0: 1, 1: 3})
    assert [turns.take() for _ in range(8)] == [1, 0, 1, 1, 1, 0, 1, 1]


def test_an_arm_without_room_passes_its_share_on() -> None:
    pool = pool_of_rates([0.5] * 5, categories=["a", "b", "b", "b", "b"])
    order = order_by("bandit", pool)
    assert isinstance(order, ArmsOrder)
    assert sorted(order.next_batch(5).rows) == [0, 1, 2, 3, 4]
