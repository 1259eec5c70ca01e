"""Shaping adds what the papers say, within bounds, and never lets wrong reach right."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from flows.settings import ThinkSettings
from pipelines.rewards import Score
from train.shaping.groups import GroupBatch
from train.shaping.settings import LengthReward, ShapingSettings
from train.shaping.shaper import Shaper, Told
from train.shaping.shaping import Shaping
from train.shaping.terms import fast_length, hard, kimi_length, ranked, room, soft_overlong

MOST = 100
R, W, U = Score(1.0, True, ""), Score(0.0, False, ""), Score(0.0, None, "the grader failed")
CUT = -1
"""In place of a length: cut at the most tokens."""


def batch(
    *groups: tuple[Sequence[Score], Sequence[int]], pictures: Sequence[float | None] = ()
) -> GroupBatch:
    scores = [score for given, _ in groups for score in given]
    tokens = [length for _, lengths in groups for length in lengths]
    size = len(groups[0][0])
    return GroupBatch.of(
        scores,
        tokens=[MOST if t == CUT else t for t in tokens],
        truncated=[t == CUT for t in tokens],
        groups=[i for i, (given, _) in enumerate(groups) for _ in given],
        group=size,
        max_tokens=MOST,
        complexities=[p for p in pictures for _ in range(size)] or None,
    )


def shaped(settings: ShapingSettings, one: GroupBatch, progress: float = 1.0) -> list[list[float]]:
    return Shaping(settings).apply(one, progress).rewards_PG.tolist()


def random_batch(rng: np.random.Generator) -> GroupBatch:
    """Groups of any make: partial credit, unscored answers, equal lengths, empty and cut ones."""
    questions, group = int(rng.integers(1, 6)), int(rng.integers(2, 9))
    count = questions * group
    known, binary = rng.random() * 1.2, rng.random() < 0.4
    rate, long = rng.random(questions).repeat(group), rng.choice([2, 20, MOST + 1])
    scores = []
    for i in range(count):
        right = bool(rng.random() < rate[i])
        value = float(right) if binary else float(rng.normal(right, 0.4))
        value = rng.choice([np.inf, -np.inf, np.nan]) if rng.random() < 0.02 else value
        scores.append(Score(float(value), right if rng.random() < known else None, ""))
    tokens = [MOST if rng.random() < 0.1 else int(t) for t in rng.integers(0, long, count)]
    pictures = rng.choice([None, 0.2, 0.5, 0.9], questions).repeat(group)
    return GroupBatch.of(
        scores,
        tokens=tokens,
        truncated=[t == MOST and bool(rng.random() < 0.7) for t in tokens],
        groups=np.arange(questions).repeat(group).tolist(),
        group=group,
        max_tokens=MOST,
        complexities=pictures.tolist(),
    )


def admitted() -> list[ShapingSettings]:
    """Every combination of a grid that validation lets pass, up to its very edge."""
    lengths: list[LengthReward] = ["off", "kimi", "fast"]
    weights, overlong = (None, 0.1, 0.45, 0.5, 0.95, 1.0, 1.9, 2.0), (0.0, 0.25, 0.45, 0.95, 1.0)
    found = []
    for length, weight, over, buffer in product(lengths, weights, overlong, (0.01, 0.2, 1.0)):
        given = {"length": length, "overlong": over, "overlong_buffer": buffer, "length_after": 0}
        try:
            found.append(ShapingSettings.model_validate(given | {"length_weight": weight}))
        except ValidationError:
            continue
    return found


def test_nothing_is_added_unless_it_is_named() -> None:
    one = batch(([R, W, U, R], [1, 2, 3, CUT]))
    done = Shaping(ShapingSettings()).apply(one, 1.0)
    assert done.rewards == [1.0, 0.0, None, 1.0]
    assert (done.parts, done.metrics, done.components) == ({}, {}, [{}, {}, {}, {}])
    assert not Shaping(ShapingSettings()).on


def test_kimi_pays_the_short_right_answer_and_never_a_wrong_one() -> None:
    one = batch(([R, R, R, W, W], [10, 20, 30, 10, 30]))
    assert kimi_length(one).tolist() == [[0.5, 0.0, -0.5, 0.0, -0.5]]


def test_equal_lengths_give_nothing() -> None:
    assert kimi_length(batch(([R, W, R, R], [7, 7, 7, 7]))).tolist() == [[0.0] * 4]
    assert fast_length(batch(([R, W, R, R], [7, 7, 7, 7]))).tolist() == [[0.0] * 4]


def test_kimi_compares_within_a_group_only() -> None:
    alone, beside = ([R, W], [10, 30]), ([R, R], [1, 99])
    assert kimi_length(batch(alone, beside))[0].tolist() == kimi_length(batch(alone))[0].tolist()


def test_an_unscored_answer_has_no_length_to_compare_with() -> None:
    one = batch(([R, R, U], [10, 30, 90]))
    assert kimi_length(one).tolist() == [[0.5, -0.5, 0.0]]
    assert shaped(ShapingSettings(length="kimi"), one)[0][:2] == [1.5, 0.5]
    assert Shaping(ShapingSettings(length="kimi")).apply(one, 1.0).rewards[2] is None


def test_an_answer_that_was_cut_earns_nothing_by_its_length() -> None:
    one = batch(([R, W, R, R], [CUT, CUT, 10, 60]))
    assert kimi_length(one).tolist()[0][:2] == [-0.5, -0.5]
    # By a context that was full, say: it is cut, and still the shortest.
    early = replace(one, tokens_PG=np.array([[5.0, 50, 10, 60]]))
    assert kimi_length(early)[0, 0] == 0
    easy, cut_and_long = ([R] * 4, [5] * 4), ([W] * 4, [10, 20, 60, CUT])
    hardest = fast_length(batch(*[easy] * 5, cut_and_long))[5]
    assert hardest[2] > 0
    assert hardest[3] == 0


def test_the_length_reward_waits_for_its_share_of_the_run() -> None:
    one, settings = batch(([R, R], [10, 30])), ShapingSettings(length="kimi", length_after=0.5)
    assert shaped(settings, one, 0.49) == [[1.0, 1.0]]
    assert shaped(settings, one, 0.5) == [[1.5, 0.5]]


def test_overlong_grows_over_the_buffer_and_is_whole_for_what_was_cut() -> None:
    one = batch(([R, W, R, R, R, U], [80, 85, 90, 100, CUT, CUT]))
    assert soft_overlong(one, 0.2)[0].tolist() == pytest.approx([0, -0.25, -0.5, -1, -1, 0])
    settings = ShapingSettings(overlong=0.5, overlong_buffer=0.2)
    assert shaped(settings, one)[0][:5] == pytest.approx([1, -0.125, 0.75, 0.5, 0.5])


def test_hard_is_what_is_mostly_wrong_under_a_complex_picture() -> None:
    right, half, wrong = [R] * 4, [R, R, W, W], [W] * 4
    texts = batch(*[(given, [5] * 4) for given in (right, right, right, half, wrong)])
    assert hard(texts).tolist() == [False, False, False, False, True]
    plain_and_busy = batch((wrong, [5] * 4), (wrong, [5] * 4), pictures=[0.1, 0.9])
    assert hard(plain_and_busy).tolist() == [False, True]
    assert hard(batch(([U] * 4, [5] * 4), (right, [5] * 4))).tolist() == [False, False]


def test_complexities_are_ranked_within_the_batch_and_text_counts_as_most() -> None:
    assert ranked(np.array([0.3, 0.1, 0.9])).tolist() == [0.5, 0.0, 1.0]
    assert ranked(np.array([0.3, 0.3, 0.9])).tolist() == [0.25, 0.25, 1.0]
    assert ranked(np.array([0.3, np.nan])).tolist() == [1.0, 1.0]
    assert ranked(np.array([0.4, 0.4])).tolist() == [1.0, 1.0]


def test_fast_pays_brevity_where_it_is_easy_and_length_where_it_is_hard() -> None:
    easy, hard_one = ([R, R, W, W], [10, 30, 20, 20]), ([W, W, W, R], [10, 40, 20, 10])
    given = fast_length(batch(easy, easy, easy, easy, easy, hard_one))
    assert given[0].tolist() == [0.5, -0.5, 0.0, 0.0]
    assert given[5].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_fast_is_clamped_on_both_sides() -> None:
    """Unclamped, a right answer of 5 times the mean lost 2 of its point, and long wrong ones won."""
    easy = ([R] * 8, [1] * 7 + [60])
    assert fast_length(batch(easy)).min() == -1.0
    hard_one = ([W] * 8, [1] * 7 + [60])
    assert fast_length(batch(*[easy] * 5, hard_one))[5].max() == 1.0
    assert fast_length(batch(*[easy] * 5, hard_one))[5].min() == 0.0


def test_every_easy_and_right_prompt_keeps_its_term_wherever_it_stands() -> None:
    """The published code spends a budget in the order of the list; late prompts got nothing."""
    given = fast_length(batch(*[([R, R], [10, 30])] * 10))
    assert (given == given[0]).all()
    assert given[0].tolist() == [0.5, -0.5]


def test_what_the_verifier_sets_a_little_apart_stays_apart() -> None:
    overlaps = [Score(0.51, True, ""), Score(0.49, False, ""), Score(0.9, True, "")]
    one = batch((overlaps, [CUT, 1, 2]))
    assert room(one).tolist() == [pytest.approx(0.02)]
    done = Shaping(ShapingSettings(length="kimi", overlong=0.45, length_after=0)).apply(one, 1)
    assert done.rewards_PG[0, 0] > done.rewards_PG[0, 1]
    assert done.metrics["shaping/held_back"] == 1


def test_where_the_verifier_pays_wrong_as_much_as_right_nothing_is_added() -> None:
    one = batch(([Score(1.0, True, ""), Score(1.1, False, "")], [CUT, 1]))
    assert shaped(ShapingSettings(length="kimi", length_after=0), one) == [[1.0, 1.1]]


def test_right_stays_above_wrong_whatever_is_admitted() -> None:
    rng, all_settings, compared = np.random.default_rng(5), admitted(), 0
    assert len(all_settings) > 60
    assert max(settings.reach for settings in all_settings) == 0.95
    for number in range(1500):
        one = random_batch(rng)
        settings = all_settings[number % len(all_settings)]
        done = Shaping(settings).apply(one, 1.0)
        for values, rewards, right in zip(
            one.values_PG, done.rewards_PG, one.right_PG, strict=True
        ):
            scored = ~np.isnan(values)
            above = values[:, None] > values + 1e-8
            pairs = (scored & right)[:, None] & (scored & ~right) & above
            # Where all right values lie above all wrong ones, so do the shaped ones.
            whole = pairs[scored & right][:, scored & ~right]
            if whole.size and whole.all():
                lowest = rewards[scored & right].min()
                assert lowest > rewards[scored & ~right].max(), (settings, values, rewards)
                compared += 1
            # And no pair that the verifier set apart is ever turned round.
            assert (rewards[:, None] > rewards)[pairs].all(), (settings, values, rewards)
    assert compared > 300


def test_nothing_raises_and_what_is_added_is_bounded_and_told() -> None:
    rng, all_settings = np.random.default_rng(6), admitted()
    with np.errstate(all="raise"):
        for number in range(1500):
            one, progress = random_batch(rng), float(rng.random())
            done = Shaping(all_settings[number % len(all_settings)]).apply(one, progress)
            unscored = np.isnan(one.values_PG)
            assert (np.isnan(done.rewards_PG) == unscored).all()
            assert np.isfinite(done.rewards_PG[~unscored]).all()
            added = (done.rewards_PG - one.values_PG)[~unscored]
            assert (np.abs(added) <= 1 + 1e-9).all()
            told = sum((part[~unscored] for part in done.parts.values()), np.zeros(added.size))
            assert told == pytest.approx(added)
            assert all(np.isfinite(mean) for mean in done.metrics.values())
            assert len(done.components) == len(done.rewards) == one.values_PG.size


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"length": "kimi", "overlong": 0.5}, "a right answer could fall to a wrong one"),
        ({"length": "fast", "length_weight": 1.0}, "lower them to 0.95 together"),
        ({"overlong": 1.0}, "a right answer could fall to a wrong one"),
        ({"length_weight": 0.5}, "`length_weight` weighs nothing"),
        ({"length": "kimi", "length_weight": float("nan")}, "finite"),
        ({"length": "shorter"}, "'off', 'kimi' or 'fast'"),
    ],
)
def test_settings_that_break_the_order_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ShapingSettings.model_validate(given)


def test_a_group_is_named_and_not_guessed_from_places() -> None:
    given = {"tokens": [1] * 4, "truncated": [False] * 4, "max_tokens": 9}
    with pytest.raises(ValueError, match="answers to different questions"):
        GroupBatch.of([R] * 4, groups=["a", "a", "a", "b"], group=2, **given)
    with pytest.raises(ValueError, match="no groups of 3"):
        GroupBatch.of([R] * 4, groups=["a"] * 4, group=3, **given)


def test_an_empty_batch_stays_empty() -> None:
    nothing = GroupBatch.of([], tokens=[], truncated=[], groups=[], group=4, max_tokens=9)
    done = Shaping(ShapingSettings(length="fast", overlong=0.2)).apply(nothing, 1.0)
    assert (done.rewards, done.components, done.metrics) == ([], [], {})


def test_a_process_gets_the_rewards_of_its_own_groups_from_the_batch_of_all() -> None:
    """FAST's threshold is one for all; what each process gets is what one alone would have got."""
    easy, hard_one = [R, R], [W, W]
    scores, rows = [*easy * 4, *hard_one], [row for row in range(5) for _ in range(2)]
    ids = [[5] * length + [0] for length in (1, 3) * 4] + [[5] * 2 + [0], [5] * 7]
    settings = ShapingSettings(length="fast", length_after=0)
    usual = {"shaping": Shaping(settings), "group": 2, "max_tokens": 9, "ends": frozenset({0})}
    whole = Shaper(**usual)(scores, rows=rows, token_ids=ids, progress=0)
    told: list[Told] = []

    def gather(own: list[Told]) -> list[Told]:
        told.extend(own)
        return told

    halves = [
        Shaper(**usual, gather=gather, rank=0)(
            scores[:4], rows=rows[:4], token_ids=ids[:4], progress=0
        ),
        Shaper(**usual, gather=gather, rank=1)(
            scores[4:8], rows=rows[4:8], token_ids=ids[4:8], progress=0
        ),
    ]
    assert [*halves[0].rewards, *halves[1].rewards] == whole.rewards[:8]
    # Shorter than the mean, and cut at 7 tokens: neither is paid for exploring.
    assert whole.rewards[8:] == [0.0, 0.0]
    assert whole.components[0] == {"shaping.length": pytest.approx(0.5 * (1 - 2 / 3))}


def test_pictures_are_looked_at_once_a_group_and_only_where_it_matters() -> None:
    looked: list[int] = []

    def complexity_of(row: int) -> float:
        looked.append(row)
        return float(row)

    for length in ("kimi", "fast"):
        shaper = Shaper(
            shaping=Shaping(ShapingSettings(length=length, length_after=0)),
            group=2,
            max_tokens=9,
            ends=frozenset({0}),
            complexity_of=complexity_of,
        )
        shaper([R, W, W, W], rows=[3, 3, 8, 8], token_ids=[[0], [5, 0], [0], []], progress=1)
    assert looked == [3, 8]


def test_the_settings_in_the_manual_are_settings() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "shaping.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    run, workspace = tomllib.loads(f"[[train]]\n{blocks[0]}"), tomllib.loads(blocks[1])
    shown = ShapingSettings.model_validate(run["train"][0]["shaping"])
    assert shown == ShapingSettings(length="kimi", length_weight=1.0, overlong=0.45)
    assert ThinkSettings.model_validate(workspace["think"]) == ThinkSettings()
    for name in ShapingSettings.model_fields:
        assert f"{name} = " in blocks[0]
