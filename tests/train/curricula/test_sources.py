"""What holds for every source of order."""

import json

import numpy as np
import pytest
from pools_and_learners import (
    ADAPTIVE,
    SOURCES,
    Learner,
    answer,
    mixed_pool,
    order_by,
    outcome,
    pool_of_rates,
)

from pipelines.workspace import WrongUse
from train.curricula.order import Batch, Order, Pool
from train.curricula.settings import CurriculumSettings
from train.curricula.weighted import WeightedOrder


def one_step(order: Order, pool: Pool, step: int) -> tuple[list[Batch], list[int]]:
    """A step as the trainer takes it: every third asks for more."""
    batch = order.next_batch(4)
    lane = pool.lanes[batch.rows[0]]
    more = order.more(3, lane) if step % 3 == 0 else []
    rates = np.full(len(pool), 0.4)
    order.observe(answer([*batch.rows, *more], rates, np.random.default_rng(step)))
    return [batch], more


@pytest.mark.parametrize("by", SOURCES)
@pytest.mark.parametrize("stop", [0, 1, 7, 23, 58])
def test_a_restored_order_gives_the_very_sequence(by: str, stop: int) -> None:
    pool = mixed_pool()
    order = order_by(by, pool, seed=3)
    for step in range(stop):
        one_step(order, pool, step)
    saved = json.dumps(order.state_dict())
    expected = [one_step(order, pool, step) for step in range(stop, stop + 60)]
    again = order_by(by, pool, seed=3)
    again.load_state_dict(json.loads(saved))
    assert [one_step(again, pool, step) for step in range(stop, stop + 60)] == expected
    assert json.dumps(again.state_dict()) == json.dumps(order.state_dict())


@pytest.mark.parametrize("by", ADAPTIVE)
def test_a_restored_order_knows_what_was_chosen_ahead(by: str) -> None:
    pool = mixed_pool()
    order, again = order_by(by, pool), order_by(by, pool)
    order.next_batch(4)
    ahead = order.next_batch(4)
    again.load_state_dict(json.loads(json.dumps(order.state_dict())))
    lane = pool.lanes[ahead.rows[0]]
    assert again.more(5, lane) == order.more(5, lane)


@pytest.mark.parametrize("by", ADAPTIVE)
def test_another_seed_is_another_choice_only_where_chance_decides(by: str) -> None:
    rows = [[order_by(by, mixed_pool(), seed=s).next_batch(20).rows] for s in (0, 1)]
    assert (rows[0] == rows[1]) == (by in {"adarft", "greso"})


@pytest.mark.parametrize("by", ADAPTIVE)
def test_an_order_refuses_the_state_of_another(by: str) -> None:
    other = ADAPTIVE[ADAPTIVE.index(by) - 1]
    for wrong in (order_by(other, mixed_pool()), order_by(by, mixed_pool(80))):
        with pytest.raises(ValueError, match="another order"):
            order_by(by, mixed_pool()).load_state_dict(wrong.state_dict())


@pytest.mark.parametrize("by", SOURCES)
def test_a_batch_is_of_one_lane_and_without_repeats(by: str) -> None:
    pool = mixed_pool()
    order = order_by(by, pool)
    for step in range(80):
        (batch,), more = one_step(order, pool, step)
        rows = [*batch.rows[: len(batch.rows) - batch.padded], *more]
        assert len(batch.rows) == 4
        assert len(set(rows)) == len(rows)
        assert len({pool.lanes[row] for row in rows}) == 1
        assert by in {"fixed", "stages"} or not any(pool.padded[row] for row in rows)


@pytest.mark.parametrize("by", ADAPTIVE)
def test_more_gives_what_is_left_and_no_row_under_way(by: str) -> None:
    pool = pool_of_rates([0.5] * 10)
    order = order_by(by, pool)
    asked = [*order.next_batch(3).rows, *order.next_batch(3).rows]
    further = order.more(2, 0) + order.more(20, 0)
    assert sorted({*asked, *further}) == list(range(10))
    assert not set(asked) & set(further)
    assert order.more(1, 0) == []
    assert order.more(1, 7) == []


@pytest.mark.parametrize("by", ADAPTIVE)
def test_a_pool_smaller_than_a_batch_is_filled_up_and_says_so(by: str) -> None:
    pool = pool_of_rates([0.5, 0.25, 0.75, 1.0, 0.0])
    batch = order_by(by, pool).next_batch(8)
    assert sorted(set(batch.rows)) == [0, 1, 2, 3, 4]
    assert batch.padded == 3


@pytest.mark.parametrize("by", ADAPTIVE)
def test_lanes_take_turns_in_proportion_to_their_rows(by: str) -> None:
    pool = pool_of_rates([0.5] * 100, lanes=[0] * 75 + [1] * 25)
    order = order_by(by, pool)
    lanes = [pool.lanes[order.next_batch(4).rows[0]] for _ in range(40)]
    assert lanes.count(1) == 10
    assert max(sum(lanes[i : i + 4]) for i in range(37)) <= 2


@pytest.mark.parametrize("by", ADAPTIVE)
def test_groups_that_nobody_graded_change_no_choice(by: str) -> None:
    pool = mixed_pool()
    heard, deaf = order_by(by, pool), order_by(by, pool)
    for _ in range(20):
        batch = heard.next_batch(4)
        assert deaf.next_batch(4) == batch
        heard.observe([] if by == "bandit" else [outcome(row, None) for row in batch.rows])
        deaf.observe([])


@pytest.mark.parametrize("by", ["variance", "prioritised"])
def test_probabilities_sum_to_one_and_keep_their_floor(by: str) -> None:
    pool = mixed_pool()
    order = order_by(by, pool)
    assert isinstance(order, WeightedOrder)
    for step in range(50):
        one_step(order, pool, step)
        for lane, rows in order.rows_of_lane.items():
            chances = order.probabilities(lane)
            assert chances.sum() == pytest.approx(1)
            assert chances.min() >= order.uniform / len(rows) * (1 - 1e-12)


# -- no row starves: the bounds of docs/curricula.md


def passes_until_all_are_seen(order: Order, pool: Pool, rates: np.ndarray, most: int) -> float:
    rng, unseen = np.random.default_rng(0), set(range(len(pool)))
    for batch in range(1, most * len(pool) // 4 + 1):
        rows = list(order.next_batch(4).rows)
        unseen -= set(rows)
        order.observe(answer(rows, rates, rng))
        if not unseen:
            return batch * 4 / len(pool)
    return float("inf")


def half_dead() -> tuple[Pool, np.ndarray]:
    rates = np.repeat([0.0, 0.5, 1.0], 40)
    pool = pool_of_rates(rates.tolist(), categories=["a"] * 40 + ["b"] * 40 + ["c"] * 40)
    return pool, rates


@pytest.mark.parametrize("by", ["fixed", "adarft", "greso"])
def test_one_pass_sees_every_row(by: str) -> None:
    pool, rates = half_dead()
    assert passes_until_all_are_seen(order_by(by, pool), pool, rates, 2) == 1


@pytest.mark.parametrize(("by", "uniform"), [("variance", 0.5), ("prioritised", 0.1)])
def test_the_uniform_share_reaches_every_row(by: str, uniform: float) -> None:
    pool, rates = half_dead()
    # exp(-uniform X) N = .001: one in a thousand runs may take longer.
    most = int(np.log(len(pool) / 0.001) / uniform)
    assert passes_until_all_are_seen(order_by(by, pool), pool, rates, most) <= most


def test_the_floor_of_a_category_reaches_every_row_of_it() -> None:
    pool, rates = half_dead()
    order = order_by("bandit", pool, floor=0.05, rate=0.5)
    # 40 draws of an arm that has .05 of all: 800 draws on average, and a third for bad luck.
    assert passes_until_all_are_seen(order, pool, rates, 50) <= 800 * 4 / 3 * 1.2 / len(pool)


def test_a_skipped_row_is_asked_after_so_many_passes() -> None:
    pool, rates = half_dead()
    order = order_by("greso", pool, revisit=3, exploration=0.05, floor=0.001, step=1e-6)
    rng, last = np.random.default_rng(0), np.zeros(len(pool), int)
    waits, of_dead = [], []
    for _ in range(1500):
        rows = list(order.next_batch(4).rows)
        order.observe(answer(rows, rates, rng))
        walked = order.state_dict()["own"]["walked"]  # type: ignore[index, call-overload]
        waits += [walked - last[row] for row in rows if last[row]]
        of_dead += [walked - last[row] for row in rows if last[row] and rates[row] != 0.5]
        last[rows] = walked
    # Four passes from turn to turn, and `walked` is of a batch's end, which may be a round further.
    assert 3 * len(pool) < max(waits) <= 5 * len(pool)
    assert walked - last.min() <= 5 * len(pool)
    assert np.mean(of_dead) > 3 * len(pool)  # asked once, it is skipped again


# -- what they promise: more signal than a uniform choice, for a policy that learns


def gain(by: str, seed: int, **options: object) -> float:
    """Mean 4p(1-p) of what is consumed, over that of a curated order without meaning."""
    signals = []
    for source in (by, "fixed"):
        learner = Learner(1200, seed)
        own = options if source == by else {}
        order = order_by(source, learner.pool(), batches=120, seed=seed, **own)
        signals.append(learner.signal_of_run(order, 120, 16))
    return signals[0] / signals[1]


@pytest.mark.parametrize(("by", "least"), [("variance", 1.15), ("bandit", 1.15), ("greso", 1.03)])
def test_it_beats_a_uniform_choice_over_one_and_a_half_passes(by: str, least: float) -> None:
    assert np.mean([gain(by, seed) for seed in range(4)]) > least


def test_nearest_rows_beat_a_uniform_choice_within_a_pass() -> None:
    # Over whole passes AdaRFT asks every row as often as a uniform choice does.
    gains = []
    for seed in range(4):
        signals = []
        for source in ("adarft", "fixed"):
            learner = Learner(4000, seed)
            order = order_by(source, learner.pool(), seed=seed)
            signals.append(learner.signal_of_run(order, 120, 16))
        gains.append(signals[0] / signals[1])
    assert np.mean(gains) > 1.3


def test_capped_priority_finds_more_signal_than_failure_alone() -> None:
    # Kimi's rule wants what is failed, and does not promise the most signal.
    dead = np.repeat([0.0, 0.4], 300)
    order = order_by("prioritised", pool_of_rates(dead.tolist()))
    rng, share = np.random.default_rng(0), []
    for _ in range(200):
        rows = list(order.next_batch(16).rows)
        share.append(np.mean(dead[rows] == 0))
        order.observe(answer(rows, dead, rng))
    failed = (1 - dead) / (1 - dead).sum()
    assert np.mean(share[100:]) < failed[:300].sum() - 0.2


# -- settings


@pytest.mark.parametrize("by", SOURCES)
def test_defaults_left_out_and_said_are_one_setting(by: str) -> None:
    said = CurriculumSettings.model_validate({"by": by})
    assert CurriculumSettings.model_validate(said.model_dump()) == said
    assert CurriculumSettings.model_validate_json(said.model_dump_json()) == said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"by": "fixed", "e2h": {}}, "no use for the section 'e2h'"),
        ({"greso": {}}, 'set by = "greso"'),
        ({"by": "e2h", "e2h": {"schedule": "cosine", "sigma": 1}}, "gaussian"),
        ({"by": "e2h", "e2h": {"levels_by": "stages", "levels": 3}}, "leave `levels` out"),
        ({"by": "stages", "stages": {"passes": [1, 0]}}, "at least once"),
        ({"by": "greso", "greso": {"exploration": 0.99}}, "exploration"),
        ({"by": "variance", "variance": {"weighted": 1.0}}, "weighted"),
        ({"by": "shuffled"}, "by"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        CurriculumSettings.model_validate(given)


@pytest.mark.parametrize(
    ("pool", "options", "says"),
    [
        (pool_of_rates([0.5] * 8), {"levels_by": "stages"}, "one stage"),
        (pool_of_rates([None] * 8), {}, "no row has a pass rate"),
        (pool_of_rates([0.5] * 3), {}, "fewer levels"),
        (pool_of_rates([0.5] * 8, padded=[True] * 8), {}, "padding"),
    ],
)
def test_levels_that_cannot_be_made_are_refused(
    pool: Pool, options: dict[str, object], says: str
) -> None:
    with pytest.raises(WrongUse, match=says):
        order_by("e2h", pool, **options)
