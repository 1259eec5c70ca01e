"""Bands, quotas, order, stages and padding, as pure functions of the candidates."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from small_pool import Named, candidate, kinds_of, pool_of

from pipelines.curation.band import choose, draw_control, judge
from pipelines.curation.layout import class_of, lay_out
from pipelines.curation.places import Places, places_of_pool
from pipelines.curation.plans import Band, Order, Quota


def laid(candidates: list[Named], order: Order) -> Places:
    """Lay out all of these candidates."""
    pool = pool_of(candidates)
    return places_of_pool(pool, lay_out(pool, np.arange(len(pool)), order))


def test_the_bounds_belong_to_the_band() -> None:
    verdicts = [judge(candidate(i, i, tries=10)[1], Band()) for i in range(11)]
    assert verdicts == ["unsolved", *[""] * 9, "too_easy"]


def test_options_are_measured_above_guessing() -> None:
    _, guessed = candidate(1, 5, answer_kind="bool", guess_rate=0.5, tries=10)
    assert judge(guessed, Band()) == "too_hard"
    assert judge(guessed, Band(guess_correction=False)) == ""


def test_a_probable_band_wants_more_than_one_lucky_answer() -> None:
    band = Band(rule="probability", probability=0.9)
    assert judge(candidate(1, 4)[1], band) == ""
    assert judge(candidate(2, 1)[1], band) == "too_hard"
    assert judge(candidate(3, 8)[1], band) == "too_easy"


def test_unsolved_samples_come_in_up_to_their_share() -> None:
    pool = pool_of([candidate(i) for i in range(8)] + [candidate(100 + i, 0) for i in range(50)])
    kept, dropped = choose(pool, Band(unsolved_share=0.2), Quota())
    assert Counter(kind.successes for kind in kinds_of(pool, kept)) == {4: 8, 0: 2}
    assert dropped["unsolved"] == 48
    sized, _ = choose(pool, Band(unsolved_share=0.2), Quota(size=5))
    assert Counter(kind.successes for kind in kinds_of(pool, sized)) == {4: 4, 0: 1}
    solved, _ = choose(pool, Band(), Quota())
    assert all(kind.successes for kind in kinds_of(pool, solved))


def test_quotas_are_a_seeded_choice_that_other_samples_do_not_disturb() -> None:
    candidates = [candidate(i, task=f"t{i % 2}") for i in range(40)]
    pool, quota = pool_of(candidates), Quota(per_task=10, size=12, seed=5)
    kept, dropped = choose(pool, Band(), quota)
    assert max(Counter(kind.task for kind in kinds_of(pool, kept)).values()) <= 10
    assert (len(kept), dropped["per_task"], dropped["size"]) == (12, 20, 8)
    ids = set(pool.ids.take(kept).written())
    other, _ = choose(pool, Band(), Quota(per_task=10, size=12, seed=6))
    assert set(pool.ids.take(other).written()) != ids
    sized, _ = choose(pool, Band(), Quota(size=12, seed=5))
    ids = set(pool.ids.take(sized).written())
    # Without some that it did not choose, it chooses the same.
    fewer = pool_of([named for i, named in enumerate(candidates) if named[0] in ids or i % 3])
    again, _ = choose(fewer, Band(), Quota(size=12, seed=5))
    assert set(fewer.ids.take(again).written()) == ids


def test_every_dropped_sample_is_counted_once() -> None:
    pool = pool_of([candidate(i, i % 9, task=f"t{i % 3}") for i in range(90)])
    kept, dropped = choose(pool, Band(unsolved_share=0.1), Quota(size=20, per_task=10))
    assert len(kept) + sum(dropped.values()) == 90


def test_easy_comes_before_hard_and_stages_are_equal() -> None:
    places = laid([candidate(i, 1 + i % 7) for i in range(24)], Order(stages=3))
    assert places.pass_rates.tolist() == sorted(places.pass_rates, reverse=True)
    assert Counter(places.stages.tolist()) == {0: 8, 1: 8, 2: 8}


def test_answer_forms_are_stages_of_their_own() -> None:
    kinds = ["number", "choice", "bool", "text"]
    pool = [candidate(i, answer_kind=kinds[i % 4], guess_rate=0.0) for i in range(16)]
    places = laid(pool, Order(by="answer-form"))
    form = {sample_id: kind.answer_kind for sample_id, kind in pool}
    told = zip(places.ids.written(), places.stages, strict=True)
    found = {(int(stage), form[sample_id]) for sample_id, stage in told}
    assert found == {(0, "bool"), (1, "choice"), (2, "number"), (2, "text")}


@pytest.mark.parametrize("by", ["easy-to-hard", "random", "answer-form"])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_every_batch_has_one_class_and_no_tail_is_left(by: Any, size: int) -> None:
    pool = [
        candidate(i, 1 + i % 7, modality=("image", "text", "audio")[i % 3], answer_kind="bool")
        for i in range(23)
    ]
    modality = {sample_id: kind.modality for sample_id, kind in pool}
    places = laid(pool, Order(by=by, stages=2, prompts_per_step=size))
    ids, stages, padded = places.ids.written(), places.stages.tolist(), places.padded.tolist()
    assert len(places) % size == 0
    for start in range(0, len(places), size):
        batch = range(start, start + size)
        assert len({(stages[i], class_of(modality[ids[i]])) for i in batch}) == 1
    assert all(a <= b for a, b in pairwise(stages))
    by_stage = {ids[i]: stages[i] for i in range(len(places)) if not padded[i]}
    assert sorted(by_stage) == sorted(modality)
    assert padded.count(False) == len(modality)
    assert all(by_stage[ids[i]] == stages[i] for i in range(len(places)) if padded[i])


def test_padding_avoids_the_batch_that_it_fills() -> None:
    places = laid([candidate(i) for i in range(9)], Order(prompts_per_step=4))
    assert len(set(places.ids.written()[8:])) == 4
    assert places.padded.tolist() == [False] * 9 + [True] * 3


def test_a_stage_smaller_than_a_batch_repeats_its_own_samples() -> None:
    places = laid([candidate(1), candidate(2)], Order(prompts_per_step=5))
    assert Counter(places.ids.written()).most_common(1)[0][1] == 3


def test_batches_of_both_classes_are_spread_over_a_stage() -> None:
    pool = [candidate(i, modality="image") for i in range(8)]
    pool += [candidate(100 + i, modality="text") for i in range(4)]
    places = laid(pool, Order(prompts_per_step=2))
    text = {sample_id for sample_id, kind in pool if kind.modality == "text"}
    assert "".join("t" if i in text else "m" for i in places.ids.written()) == "mmttmmmmttmm"


def test_a_random_order_is_that_of_its_seed() -> None:
    pool = [candidate(i) for i in range(20)]
    orders = [Order(by="random", seed=seed, prompts_per_step=1) for seed in (1, 1, 2)]
    first, again, other = (laid(pool, order).ids.written() for order in orders)
    assert first == again != other
    # Half of the samples stand as they stood among all.
    half = laid(pool[::2], orders[0]).ids.written()
    assert half == [sample_id for sample_id in first if sample_id in half]


def test_a_control_is_a_random_choice_of_equal_size() -> None:
    pool = pool_of([candidate(i, i % 9) for i in range(200)])
    drawn = draw_control(pool, 60, seed=0)
    assert len(set(drawn.tolist())) == 60
    assert {kind.successes for kind in kinds_of(pool, drawn)} == set(range(9))
    assert set(draw_control(pool, 60, seed=1).tolist()) != set(drawn.tolist())
