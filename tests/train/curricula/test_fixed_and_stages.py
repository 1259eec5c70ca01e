"""The curated order is gone through exactly, and stages one after another."""

import json

import numpy as np
import pytest
from pools_and_learners import order_by, outcome, pool_of_rates

from train.curricula.fixed import FixedOrder, batches_of_a_pass
from train.curricula.order import Pool


def random_pool(seed: int) -> Pool:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    return pool_of_rates(
        [0.5] * n,
        stages=sorted(rng.integers(0, rng.integers(1, 5), n).tolist()),
        lanes=rng.integers(0, rng.integers(1, 4), n).tolist(),
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_pass_sees_every_row_once_and_pads_only_at_the_end_of_a_lane(seed: int) -> None:
    pool, count = random_pool(seed), seed % 7 + 1
    order = FixedOrder(pool)
    fresh: dict[tuple[int, int], list[int]] = {}
    stages = []
    for _ in range(batches_of_a_pass(pool, count)):
        batch = order.next_batch(count)
        assert len(batch.rows) == count
        (key,) = {(pool.stages[row], pool.lanes[row]) for row in batch.rows}
        own = list(batch.rows[: count - batch.padded])
        fresh.setdefault(key, []).extend(own)
        stages.append(key[0])
        members = [r for r in range(len(pool)) if (pool.stages[r], pool.lanes[r]) == key]
        assert batch.padded == 0 or own[-1] == members[-1]
    assert stages == sorted(stages)
    assert all(rows == sorted(rows) for rows in fresh.values())
    assert sorted(row for rows in fresh.values() for row in rows) == list(range(len(pool)))


@pytest.mark.parametrize("seed", range(20))
def test_the_next_pass_is_like_the_first(seed: int) -> None:
    pool, order = random_pool(seed), FixedOrder(random_pool(seed))
    first, second = (
        [order.next_batch(3) for _ in range(batches_of_a_pass(pool, 3))] for _ in range(2)
    )
    assert first == second


def test_a_dataset_laid_out_for_the_batch_is_seen_in_its_very_order() -> None:
    pool = pool_of_rates([0.5] * 12, lanes=[0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    order = FixedOrder(pool)
    assert [row for _ in range(4) for row in order.next_batch(3).rows] == list(range(12))


def test_passes_are_counted_by_stage() -> None:
    pool = pool_of_rates([0.5] * 6, stages=[0, 0, 1, 1, 2, 2])
    assert batches_of_a_pass(pool, 2, (1, 2)) == 5
    order = order_by("stages", pool, passes=[1, 2])
    assert [pool.stages[order.next_batch(2).rows[0]] for _ in range(5)] == [0, 1, 1, 2, 2]


def test_the_last_stage_goes_on_and_no_stage_comes_back() -> None:
    pool = pool_of_rates([0.5] * 6, stages=[0, 0, 1, 1, 2, 2])
    order = order_by("stages", pool)
    seen = [pool.stages[order.next_batch(2).rows[0]] for _ in range(8)]
    assert seen == [0, 1, 2, 2, 2, 2, 2, 2]


def test_a_mastered_stage_ends_early_and_a_failed_one_does_not() -> None:
    pool = pool_of_rates([0.5] * 60, stages=[0] * 20 + [1] * 20 + [2] * 20)
    order = order_by("stages", pool, move_on_at=0.9, least_batches=3, smoothing=0.5)
    seen = []
    for _ in range(25):
        rows = order.next_batch(2).rows
        stage = pool.stages[rows[0]]
        seen.append(stage)
        order.observe([outcome(row, 1.0 if stage == 0 else 0.2) for row in rows])
    assert seen == [0] * 3 + [1] * 10 + [2] * 12


def test_answers_to_the_stage_before_do_not_end_the_new_one() -> None:
    pool = pool_of_rates([0.5] * 8, stages=[0] * 4 + [1] * 2 + [2] * 2)
    order = order_by("stages", pool, move_on_at=0.9, least_batches=2, smoothing=0.0)
    before = [order.next_batch(2).rows for _ in range(3)]  # the third is of stage 1
    for rows in before[:2]:
        order.observe([outcome(row, 1.0) for row in rows])
    assert json.loads(json.dumps(order.state_dict()))["order"]["stage"] == 1
    assert order.state_dict()["batches"] == 0


def test_further_rows_are_of_the_stage_of_the_batch_under_way() -> None:
    pool = pool_of_rates([0.5] * 8, stages=[0] * 6 + [1] * 2, lanes=[0] * 8)
    order = FixedOrder(pool)
    assert order.next_batch(4).rows == (0, 1, 2, 3)
    assert order.more(1, 0) == [4]
    assert order.next_batch(4).padded == 3  # the loader looks ahead, to the end of the stage
    order.observe([])
    assert order.next_batch(2).rows == (6, 7)
    assert order.more(2, 0) == []


def test_a_foreign_state_is_refused() -> None:
    order = FixedOrder(pool_of_rates([0.5] * 4, stages=[0] * 4, lanes=[0] * 4))
    for state in ({"by": "x"}, {"stage": 7, "pass": 0, "taken": {}, "open": []}):
        with pytest.raises(ValueError, match="not the state of this order"):
            order.load_state_dict(state)
