"""Answers that follow their media, and those that say why they cannot."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from augment.errors import AugmentError, CannotRemap
from augment.history import Applied, replay
from augment.labels import TABLE, TAGS, verdict
from augment.question import Question
from augment.remap import Shown, bearable, moved
from augment.ruling import remap, safe
from augment.sides import mirrored
from augment.transforms import TRANSFORMS, find

WIDTH, HEIGHT = 160, 120
SEEN = ((WIDTH, HEIGHT),)
SPATIAL = [name for name, t in TRANSFORMS.items() if t.move is not None]


def step(name: str, **params: int | str) -> Applied:
    return Applied(name, params, find(name).version)


def following(
    question: Question, *steps: Applied, tags: tuple[str, ...] = ("grounding",)
) -> Question:
    shown = Shown(frozenset(tags), SEEN, (4.0,))
    return moved(question, steps, {applied.name for applied in steps}, shown)


def placed(value: Any, kind: str = "box", **more: Any) -> Question:
    return Question(("Where is it?",), kind, value, **more)


def timed(value: str, unit: str = "s", text: str = "When does it bark?", **more: Any) -> Question:
    return Question((text,), "number", value, unit=unit, **({"tolerance": "0.1"} | more))


def drawn(name: str, seed: int, limits: Mapping[str, tuple[int, int]]) -> Applied:
    transform = find(name)
    return Applied(name, transform.draw(np.random.default_rng(seed), **limits), transform.version)


def overlap(one: list[float], other: list[float]) -> float:
    (a, b, c, d), (e, f, g, h) = one, other
    shared = max(0.0, min(c, g) - max(a, e)) * max(0.0, min(d, h) - max(b, f))
    return shared / ((c - a) * (d - b) + (g - e) * (h - f) - shared)


@pytest.mark.parametrize("name", SPATIAL)
def test_a_moved_box_is_where_its_pixels_went(name: str) -> None:
    limits = TABLE[name]["grounding"].limits
    tried = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, y = int(rng.integers(30, 60)), int(rng.integers(25, 40))
        box = [x, y, x + 60, y + 50]
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[y : y + 50, x : x + 60] = 255
        applied = drawn(name, seed, limits)
        try:
            answer = following(placed(box), applied).value
        except CannotRemap:
            continue
        ys, xs = np.nonzero(replay(picture, [applied])[..., 0] > 127)
        seen = [float(v) for v in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)]
        assert overlap([float(v) for v in answer], seen) > 0.93
        tried += 1
    assert tried > 3


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_answer_changes_exactly_where_the_table_says_remap(name: str) -> None:
    """Every transform on every tag, on the kind of answer that such a sample has."""
    for tag in TABLE[name]:
        question, shown = asked_of(tag), Shown(frozenset({tag}), SEEN, (4.0,))
        ruled = bearable(
            name, verdict([tag], name, question.text, str(question.value)), question, shown
        )
        if not ruled.allowed:
            assert ruled.reason
            continue
        kind = TABLE[name][tag].outcome
        assert ruled.outcome == kind, (name, tag)
        for seed in range(5):
            applied = drawn_or_none(name, seed, ruled.limits)
            if applied is None:
                return
            names = {name} if ruled.outcome == "remap" else set()
            try:
                now = moved(question, [applied], names, shown)
            except CannotRemap:
                assert ruled.outcome == "remap"
                continue
            if ruled.outcome == "safe":
                assert (now.value, now.options) == (question.value, question.options)
            elif name == "shuffle_options":
                assert now.options != question.options
                right = question.options["ABC".index(question.value)]
                assert now.options["ABC".index(now.value)] == right
            elif name != "occlude":
                assert now.value != question.value or now.texts != question.texts


def asked_of(tag: str) -> Question:
    """The question that shows best what a tag means."""
    if tag in ("grounding", "gui"):
        return placed([41, 30, 97, 76])
    if tag == "timestamp":
        return timed("1.5")
    if tag == "sides":
        return Question(("On which side is it?",), "text", "left")
    text = "Which of the 12000 painted things weighs something?\nA) this\nB) that\nC) those"
    return Question((text,), "choice", "B", ("this", "that", "those"))


def drawn_or_none(name: str, seed: int, limits: Mapping[str, tuple[int, int]]) -> Applied | None:
    try:
        return drawn(name, seed, limits)
    except AugmentError:
        if name == "clip_noise":  # which needs clips of noise to draw from
            return None
        raise


def test_points_and_lists_of_boxes_move_too() -> None:
    flip = step("flip_horizontal")
    assert following(placed([30, 40], "point"), flip).value == [130, 40]
    assert following(placed([[10, 10, 30, 30], [50, 60, 90, 100]], "boxes"), flip).value == [
        [130, 10, 150, 30],
        [70, 60, 110, 100],
    ]
    assert following(placed(["10.5", "20", "40.25", "60"]), flip).value == [
        "119.75",
        20,
        "149.5",
        60,
    ]


def test_a_point_s_tolerance_shrinks_with_its_picture() -> None:
    half = step("resize", percent=50)
    assert following(placed([30, 40], "point", tolerance="10"), half).tolerance == "5"
    assert following(placed([30, 40, 50, 60], "point"), half).value == [15, 20, 25, 30]


def test_a_chain_of_moves_is_one_move_after_the_other() -> None:
    flips = following(
        placed([10, 20, 30, 40]), step("flip_horizontal"), step("resize", percent=200)
    )
    assert flips.value == [260, 40, 300, 80]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([0, 0, 20, 20], "cut_away"),
        ([10, 10, 40, 60], "cut_away"),
        ([100, 10, 190, 60], "outside_picture"),
        ([50, 50, 50, 60], "outside_picture"),
        ([50, 60, 40, 70], "outside_picture"),
        ([50, 60], "unreadable_answer"),
        (["x", 1, 2, 3], "unreadable_answer"),
    ],
)
def test_a_box_that_cannot_follow_says_why(value: list[Any], reason: str) -> None:
    crop = step("crop", left=200, top=0, right=0, bottom=0)
    with pytest.raises(CannotRemap, match="the answer cannot be moved: ") as refused:
        following(placed(value), crop)
    assert refused.value.reason == reason


def test_what_one_step_cuts_off_no_later_one_brings_back() -> None:
    crop = step("crop", left=200, top=0, right=0, bottom=0)
    pad = step("pad", left=200, top=0, right=0, bottom=0)
    with pytest.raises(CannotRemap) as refused:
        following(placed([10, 10, 40, 60]), crop, pad)
    assert refused.value.reason == "cut_away"


def test_a_target_needs_its_centre_and_a_box_nearly_all_of_itself() -> None:
    crop = step("crop", left=100, top=0, right=0, bottom=0)  # 16 of 160 pixels
    box = placed([6, 10, 46, 60])
    with pytest.raises(CannotRemap) as refused:
        following(box, crop)
    assert refused.value.reason == "cut_away"
    assert following(box, crop, tags=("gui",)).value == [0, 10, 30, 60]
    with pytest.raises(CannotRemap):
        following(placed([0, 10, 20, 60]), crop, tags=("gui",))


def test_a_patch_may_not_cover_a_target() -> None:
    patch = step("occlude", x=0, y=0, width=250, height=250)  # 40 x 30 pixels
    with pytest.raises(CannotRemap) as refused:
        following(placed([10, 10, 60, 60]), patch)
    assert refused.value.reason == "cut_away"
    with pytest.raises(CannotRemap) as refused:
        following(placed([30, 20], "point"), patch)
    assert refused.value.reason == "hidden"
    assert following(placed([50, 40, 60, 60]), patch).value == [50, 40, 60, 60]
    flipped = following(placed([100, 40, 110, 60]), step("flip_horizontal"), patch)
    assert flipped.value == [50, 40, 60, 60]


def test_a_thin_box_is_not_turned() -> None:
    with pytest.raises(CannotRemap) as refused:
        following(placed([20, 60, 140, 64]), step("rotate", decidegrees=50))
    assert refused.value.reason == "box_grows"


@pytest.mark.parametrize(
    ("text", "value", "said", "answered"),
    [
        ("On which side is the dog?", "left", "On which side is the dog?", "right"),
        ("Is the dog to the left of the tree?", True, "Is the dog to the right of the tree?", True),
        ("How many are on the RIGHT?", "3", "How many are on the LEFT?", "3"),
        ("Who sits left of Ann?", "Bob", "Who sits right of Ann?", "Bob"),
        ("Is it left or right?", "Left", "Is it right or left?", "Right"),
        ("What is the leftmost one?", "a cat", "What is the rightmost one?", "a cat"),
        ("digit 2 from left?", "7", "digit 2 from right?", "7"),
        (
            "In his left hand?",
            "a cup, in the right half",
            "In his right hand?",
            "a cup, in the left half",
        ),
    ],
)
def test_left_and_right_change_places_in_the_words(
    text: str, value: Any, said: str, answered: Any
) -> None:
    now = mirrored(Question((text,), "text", value))
    assert (now.text, now.value) == (said, answered)
    assert mirrored(now) == Question((text,), "text", value)


def test_options_that_are_sides_change_places_and_the_letter_stays() -> None:
    text = "Where is it?\nA) left\nB) right"
    now = following(
        Question((text,), "choice", "A", ("left", "right")),
        step("flip_horizontal"),
        tags=("sides",),
    )
    assert (now.text, now.value, now.options) == (
        "Where is it?\nA) right\nB) left",
        "A",
        ("right", "left"),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Which is the right answer?", "a cat"),
        ("What is left when 3 are taken?", "2"),
        ("Is the triangle right?", True),
        ("left one larger?", True),
        ("Who has right of way?", "the car"),
        ("Is that alright, or is it right?", True),
        ("What does it show?", "a right angle"),
    ],
)
def test_a_word_that_may_not_be_a_side_is_refused(text: str, value: Any) -> None:
    with pytest.raises(CannotRemap) as refused:
        mirrored(Question((text,), "text", value))
    assert refused.value.reason == "unclear_sides"


def test_a_question_without_sides_cannot_exchange_them() -> None:
    with pytest.raises(CannotRemap) as refused:
        mirrored(Question(("What is it?",), "text", "a cat"))
    assert refused.value.reason == "no_sides"


def test_a_time_mark_moves_with_the_clip() -> None:
    fast = step("speed", percent=125)
    now = following(timed("2.5"), fast, tags=("timestamp",))
    assert (now.value, now.tolerance) == ("2", "0.08")
    assert following(timed("2500", "ms"), fast, tags=("timestamp",)).value == "2000"
    slow = step("time_stretch", percent=80)
    twice = following(timed("2", tolerance="5%"), fast, slow, tags=("timestamp",))
    assert (twice.value, twice.tolerance) == ("2", "5%")


@pytest.mark.parametrize(
    ("question", "tags", "words"),
    [
        (timed("2", tolerance=""), ("timestamp",), "without a tolerance"),
        (timed("2", unit="m"), ("timestamp",), "only a number of seconds"),
        (timed("2"), ("events",), "only a number of seconds"),
        (timed("2", text="Between 1 s and 3 s, when?"), ("timestamp",), "speaks of '1 s'"),
        (timed("2", text="After 0:30, when does it bark?"), ("timestamp",), "speaks of '0:30'"),
    ],
)
def test_a_time_that_cannot_move_forbids_another_speed(
    question: Question, tags: tuple[str, ...], words: str
) -> None:
    shown = Shown(frozenset(tags), (), (4.0,))
    ruled = bearable("speed", remap("for a reason", percent=(90, 110)), question, shown)
    assert ruled.outcome == "forbid"
    assert words in ruled.reason


def test_a_time_mark_in_one_of_two_clips_is_not_moved() -> None:
    shown = Shown(frozenset({"timestamp"}), (), (4.0, 4.0))
    assert not bearable("speed", remap("for a reason"), timed("2"), shown).allowed


@pytest.mark.parametrize(
    ("question", "shown", "words"),
    [
        (placed([1, 2, 30, 40]), Shown(frozenset({"grounding"}), ()), "one picture"),
        (placed([1, 2, 30, 40]), Shown(frozenset({"grounding"}), (*SEEN, *SEEN)), "one picture"),
        (placed([1, 2, 30, 40]), Shown(frozenset({"natural"}), SEEN), "no tag says so"),
        (
            Question(("Where?",), "text", "(1, 2)"),
            Shown(frozenset({"grounding"}), SEEN),
            "no place",
        ),
        (
            Question(("Who?",), "text", "Ann"),
            Shown(frozenset({"natural"}), SEEN),
            "nothing says how",
        ),
    ],
)
def test_what_cannot_follow_forbids_before_anything_is_drawn(
    question: Question, shown: Shown, words: str
) -> None:
    ruled = bearable("resize", remap("for a reason"), question, shown)
    assert ruled.outcome == "forbid"
    assert words in ruled.reason


def test_a_place_without_a_tag_is_never_left_behind_by_a_safe_move() -> None:
    shown = Shown(frozenset({"natural"}), SEEN)
    assert not bearable("rotate", safe("for a reason"), placed([1, 2, 30, 40]), shown).allowed
    assert bearable("jpeg", safe("for a reason"), placed([1, 2, 30, 40]), shown).allowed


def test_the_words_bear_only_what_would_change_them() -> None:
    shown = Shown(frozenset({"natural"}))
    sum_of_two = Question(("2+3=?",), "number", "5")
    for name in ("typing_noise", "number_format", "shuffle_options"):
        assert not bearable(name, remap("for a reason"), sum_of_two, shown).allowed
    listed = Question(("Which?\nA) x1\nB) x2\nC) x3",), "choice", "A", ("x1", "x2", "x3"))
    ruled = bearable("shuffle_options", remap("for a reason"), listed, shown)
    assert ruled.limits == {"order": (1, 5)}
    grouped = Question(("It weighs 12,000 grams.",), "number", "5")
    assert bearable("number_format", safe("for a reason"), grouped, shown).limits == {
        "style": (2, 2)
    }


def test_pictures_and_words_change_in_one_history() -> None:
    text = "Where is the button?"
    history = [step("flip_horizontal"), step("typing_noise", changes=1, seed=3)]
    now = moved(
        Question((text,), "box", [10, 20, 30, 40]),
        history,
        {"flip_horizontal"},
        Shown(frozenset({"grounding"}), SEEN),
    )
    assert now.value == [130, 20, 150, 40]
    assert now.text != text


def test_every_tag_is_tried_above() -> None:
    assert {tag for row in TABLE.values() for tag in row} == {t for ts in TAGS.values() for t in ts}
