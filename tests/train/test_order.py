"""Training goes through the curated order, group by group."""

import itertools
import json

import pytest
from small_world import Trained, question

from train.curricula.fixed import FixedOrder
from train.curricula.order import Pool
from train.data import Row, pool_of
from train.sampler import CuratedSampler


def steps_of(trained: Trained) -> list[list[str]]:
    rows = trained.workspace.catalog.rows("select sample_ids from train_steps order by step")
    return [row["sample_ids"] for row in rows]


def positions_of(trained: Trained) -> list[str]:
    rows = trained.workspace.catalog.rows(
        "select sample_id from dataset_samples where dataset = 'say' order by position"
    )
    return [row["sample_id"] for row in rows]


def test_training_sees_the_positions_one_after_another_and_then_again(trained: Trained) -> None:
    seen = [sample_id for step in steps_of(trained) for sample_id in step]
    planned = positions_of(trained)
    assert len(seen) == 28 > len(planned)
    assert seen == (planned * 2)[:28]


def test_rollouts_are_whole_groups_of_the_planned_samples(trained: Trained) -> None:
    rows = trained.workspace.catalog.rows(
        "select step, sample_id, count(*) as n, list(k order by k) as ks from rollouts "
        "where purpose = 'train' group by all order by step"
    )
    planned = {i + 1: set(ids) for i, ids in enumerate(steps_of(trained))}
    assert {(row["step"], row["sample_id"]) for row in rows} == {
        (step, sample_id) for step, ids in planned.items() for sample_id in ids
    }
    for row in rows:
        assert row["ks"] == list(range(row["n"]))
        assert row["n"] % 4 == 0


def test_honoured_finds_no_sample_out_of_its_place(trained: Trained) -> None:
    rows = trained.workspace.catalog.rows(
        "select position, first_step, padded, never_seen from honoured "
        "where run_id = ? order by position",
        trained.result.run_id,
    )
    assert rows
    assert not any(row["never_seen"] for row in rows)
    assert all(row["first_step"] == row["position"] // 2 + 1 for row in rows if not row["padded"])


def test_a_step_has_pictures_or_none(trained: Trained) -> None:
    rows = trained.workspace.catalog.rows(
        "select step, list(distinct modality) as kinds from rollouts join samples using (sample_id)"
        " where purpose = 'train' group by step"
    )
    assert {len(row["kinds"]) for row in rows} == {1}
    assert {row["kinds"][0] for row in rows} == {"text", "image"}


def sampler(pool: Pool, prompts: int = 2, batches: int = 6) -> CuratedSampler:
    order = FixedOrder(pool)
    return CuratedSampler(range(len(pool)), order, group=2, prompts=prompts, batches=batches)


def pool(rows: int) -> Pool:
    return pool_of([Row(i, 0, question(i)) for i in range(rows)])


def test_a_resumed_order_goes_on_where_it_was_consumed() -> None:
    whole, killed, rest = (sampler(pool(5)) for _ in range(3))
    asked = [*whole]
    ahead = iter(killed)
    for place in range(2):
        given = [next(ahead) for _ in range(8)]  # the loader looks one batch ahead
        killed.consume(given[:4:2])
        ahead = itertools.chain(given[4:], ahead)
        assert place + 1 == killed.consumed
    rest.load_state_dict(json.loads(json.dumps(killed.state_dict())))
    assert [*rest] == asked[8:]
    assert len(rest) == len(asked) == 24


def test_an_order_refuses_the_state_of_another() -> None:
    state = sampler(pool(6), prompts=3).state_dict()
    with pytest.raises(ValueError, match="order"):
        sampler(pool(6)).load_state_dict(state)


def test_rows_that_were_not_chosen_are_not_taken_for_the_batch() -> None:
    order = sampler(pool(6))
    next(iter(order))
    with pytest.raises(RuntimeError, match="shuffled"):
        order.consume([1, 0])
