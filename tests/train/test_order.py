"""Training goes through the curated order, group by group."""

import pytest
from small_world import Trained, question

from pipelines.workspace import WrongUse
from train.data import Row, check_layout
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


def test_a_resumed_order_goes_on_where_it_was_consumed() -> None:
    whole, half, rest = (CuratedSampler(range(6), group=2, prompts=2) for _ in range(3))
    passes = [*whole]
    whole.consumed = 3
    passes += whole
    half.consumed = 2
    rest.load_state_dict(half.state_dict())
    assert [*rest] == passes[8:20]
    assert len(rest) == len([*rest])


def test_an_order_refuses_the_state_of_another() -> None:
    state = CuratedSampler(range(6), group=2, prompts=3).state_dict()
    with pytest.raises(ValueError, match="order"):
        CuratedSampler(range(6), group=2, prompts=2).load_state_dict(state)


def test_a_step_that_would_mix_pictures_and_text_is_refused() -> None:
    samples = [question(i, picture=i in (2, 3)) for i in range(6)]
    rows = [Row(position=i, stage=0, sample=sample) for i, sample in enumerate(samples)]
    check_layout(rows, 2, "say@1")
    with pytest.raises(WrongUse, match="prompts_per_step = 3"):
        check_layout(rows, 3, "say@1")


def test_a_short_last_step_is_refused() -> None:
    rows = [Row(position=i, stage=0, sample=question(i)) for i in range(5)]
    with pytest.raises(WrongUse, match="position 4"):
        check_layout(rows, 2, "say@1")
