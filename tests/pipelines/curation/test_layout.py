"""Bands, quotas, order, stages and padding, as pure functions of the candidates."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from pipelines.curation.band import choose, draw_control, judge
from pipelines.curation.candidates import Candidate
from pipelines.curation.layout import Place, class_of, lay_out
from pipelines.curation.plans import Band, Order, Quota


def candidate(number: int, successes: int = 4, **changes: Any) -> Candidate:
    facts: dict[str, Any] = {
        "task": "t",
        "modality": "image",
        "answer_kind": "number",
        "guess_rate": 0.0,
        "tries": 8,
    }
    return Candidate(sample_id=f"{number:032x}", successes=successes, **(facts | changes))


def rates(places: list[Place]) -> list[float]:
    return [place.pass_rate for place in places]


def test_the_bounds_belong_to_the_band() -> None:
    verdicts = [judge(candidate(i, i, tries=10), Band()) for i in range(11)]
    assert verdicts == ["unsolved", *[""] * 9, "too_easy"]


def test_options_are_measured_above_guessing() -> None:
    guessed = candidate(1, 5, answer_kind="bool", guess_rate=0.5, tries=10)
    assert judge(guessed, Band()) == "too_hard"
    assert judge(guessed, Band(guess_correction=False)) == ""


def test_a_probable_band_wants_more_than_one_lucky_answer() -> None:
    band = Band(rule="probability", probability=0.9)
    assert judge(candidate(1, 4), band) == ""
    assert judge(candidate(2, 1), band) == "too_hard"
    assert judge(candidate(3, 8), band) == "too_easy"


def test_unsolved_samples_come_in_up_to_their_share() -> None:
    pool = [candidate(i, 4) for i in range(8)] + [candidate(100 + i, 0) for i in range(50)]
    kept, dropped = choose(pool, Band(unsolved_share=0.2), Quota())
    assert Counter(c.successes for c in kept) == {4: 8, 0: 2}
    assert dropped["unsolved"] == 48
    sized, _ = choose(pool, Band(unsolved_share=0.2), Quota(size=5))
    assert Counter(c.successes for c in sized) == {4: 4, 0: 1}
    assert not [c for c in choose(pool, Band(), Quota())[0] if not c.successes]


def test_quotas_are_a_seeded_choice_that_other_samples_do_not_disturb() -> None:
    pool = [candidate(i, task=f"t{i % 2}") for i in range(40)]
    kept, dropped = choose(pool, Band(), Quota(per_task=10, size=12, seed=5))
    assert max(Counter(c.task for c in kept).values()) <= 10
    assert (len(kept), dropped["per_task"], dropped["size"]) == (12, 20, 8)
    assert choose(pool[::-1], Band(), Quota(per_task=10, size=12, seed=5))[0] == kept
    assert choose(pool, Band(), Quota(per_task=10, size=12, seed=6))[0] != kept


def test_every_dropped_sample_is_counted_once() -> None:
    pool = [candidate(i, i % 9, task=f"t{i % 3}") for i in range(90)]
    kept, dropped = choose(pool, Band(unsolved_share=0.1), Quota(size=20, per_task=10))
    assert len(kept) + sum(dropped.values()) == 90


def test_easy_comes_before_hard_and_stages_are_equal() -> None:
    pool = [candidate(i, 1 + i % 7) for i in range(24)]
    places = lay_out(pool, Order(stages=3))
    assert rates(places) == sorted(rates(places), reverse=True)
    assert Counter(place.stage for place in places) == {0: 8, 1: 8, 2: 8}


def test_answer_forms_are_stages_of_their_own() -> None:
    kinds = ["number", "choice", "bool", "text"]
    pool = [candidate(i, answer_kind=kinds[i % 4], guess_rate=0.0) for i in range(16)]
    places = lay_out(pool, Order(by="answer-form"))
    form = {c.sample_id: c.answer_kind for c in pool}
    stages = [{form[p.sample_id] for p in places if p.stage == stage} for stage in range(3)]
    assert stages == [{"bool"}, {"choice"}, {"number", "text"}]


@pytest.mark.parametrize("by", ["easy-to-hard", "random", "answer-form"])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_every_batch_has_one_class_and_no_tail_is_left(by: Any, size: int) -> None:
    pool = [
        candidate(i, 1 + i % 7, modality=("image", "text", "audio")[i % 3], answer_kind="bool")
        for i in range(23)
    ]
    modality = {c.sample_id: c.modality for c in pool}
    places = lay_out(pool, Order(by=by, stages=2, prompts_per_step=size))
    assert len(places) % size == 0
    for start in range(0, len(places), size):
        batch = places[start : start + size]
        assert len({(p.stage, class_of(modality[p.sample_id])) for p in batch}) == 1
    assert all(a.stage <= b.stage for a, b in pairwise(places))
    assert sorted(p.sample_id for p in places if not p.padded) == sorted(modality)
    by_stage = {p.sample_id: p.stage for p in places if not p.padded}
    assert all(by_stage[p.sample_id] == p.stage for p in places if p.padded)


def test_padding_avoids_the_batch_that_it_fills() -> None:
    places = lay_out([candidate(i) for i in range(9)], Order(prompts_per_step=4))
    assert len({place.sample_id for place in places[8:]}) == 4
    assert [place.padded for place in places] == [False] * 9 + [True] * 3


def test_a_stage_smaller_than_a_batch_repeats_its_own_samples() -> None:
    places = lay_out([candidate(1), candidate(2)], Order(prompts_per_step=5))
    assert Counter(place.sample_id for place in places).most_common(1)[0][1] == 3


def test_batches_of_both_classes_are_spread_over_a_stage() -> None:
    pool = [candidate(i, modality="image") for i in range(8)]
    pool += [candidate(100 + i, modality="text") for i in range(4)]
    places = lay_out(pool, Order(prompts_per_step=2))
    text = {c.sample_id for c in pool if c.modality == "text"}
    assert "".join("t" if p.sample_id in text else "m" for p in places) == "mmttmmmmttmm"


def test_a_random_order_does_not_depend_on_how_samples_arrive() -> None:
    pool = [candidate(i) for i in range(20)]
    order = Order(by="random", seed=1)
    assert lay_out(pool, order) == lay_out(pool[::-1], order)
    assert lay_out(pool, order) != lay_out(pool, Order(by="random", seed=2))


def test_a_control_is_a_random_choice_of_equal_size() -> None:
    pool = [candidate(i, i % 9) for i in range(200)]
    drawn = draw_control(pool, 60, seed=0)
    assert len({c.sample_id for c in drawn}) == 60
    assert draw_control(pool[::-1], 60, seed=0) == drawn
    assert Counter(c.successes for c in drawn).keys() == set(range(9))
