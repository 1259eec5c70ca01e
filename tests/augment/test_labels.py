import pytest

from augment.labels import TABLE, TAGS, narrowed, safe, verdict
from augment.transforms import TRANSFORMS

PAIRS = [(tag, name) for name, t in TRANSFORMS.items() for tag in TAGS[t.medium]]
STRANGERS = [
    (tag, name)
    for name, t in TRANSFORMS.items()
    for medium, tags in TAGS.items()
    for tag in tags
    if medium != t.medium
]


def test_the_table_rules_on_every_transform_and_no_other() -> None:
    assert set(TABLE) == set(TRANSFORMS)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_row_rules_on_every_tag_of_its_medium_and_no_other(name: str) -> None:
    assert set(TABLE[name]) == set(TAGS[TRANSFORMS[name].medium])


@pytest.mark.parametrize(("tag", "name"), PAIRS)
def test_a_rule_has_a_reason_and_bounds_that_the_transform_can_draw(tag: str, name: str) -> None:
    rule = TABLE[name][tag]
    assert len(rule.reason.split()) >= 2
    for key, (low, high) in rule.limits.items():
        lowest, highest = TRANSFORMS[name].bounds[key]
        assert lowest <= low < high <= highest
    assert bool(rule.limits) == rule.allowed, "what is allowed is bounded"


@pytest.mark.parametrize(("tag", "name"), STRANGERS)
def test_a_tag_of_another_medium_forbids(tag: str, name: str) -> None:
    assert verdict([tag], name).outcome == "forbid"


def test_what_nobody_has_ruled_on_is_forbidden() -> None:
    assert verdict(["natural"], "hflip").reason == "nobody has ruled on transform 'hflip'"
    assert "'weather'" in verdict(["weather"], "jpeg").reason
    assert verdict(["weather"], "jpeg").outcome == "forbid"
    assert "without tags" in verdict([], "jpeg").reason
    assert verdict([], "jpeg").outcome == "forbid"


def test_one_unknown_tag_beside_a_good_one_forbids() -> None:
    assert verdict(["natural"], "jpeg").allowed
    assert not verdict(["natural", "weather"], "jpeg").allowed


def test_every_tag_must_allow_it() -> None:
    assert verdict(["counting"], "rotate").outcome == "safe"
    ruling = verdict(["counting", "direction"], "rotate")
    assert ruling.outcome == "forbid"
    assert ruling.reason.startswith("direction: ")


def test_the_tightest_bound_holds() -> None:
    ruling = verdict(["natural", "ocr"], "gaussian_noise")
    assert ruling.limits == {"sigma": (1, 8)}
    assert "natural: " in ruling.reason
    assert "ocr: " in ruling.reason


def test_the_order_of_tags_does_not_matter() -> None:
    tags = ["colour", "natural", "grounding"]
    assert verdict(tags, "rotate") == verdict(tags[::-1], "rotate")


def test_an_answer_that_must_move_is_told_apart_from_a_safe_one() -> None:
    assert verdict(["grounding"], "rotate").outcome == "remap"
    assert verdict(["grounding", "natural"], "rotate").outcome == "remap"


@pytest.mark.parametrize(
    "question",
    [
        "Is the cup to the LEFT of the plate?",
        "Which line is horizontal?",
        "How many bars are vertically stacked?",
        "Is the picture tilted?",
        "What is the angle at B?",
        "Does it turn clockwise or counter-clockwise?",
        "What is above the sofa?",
        "Which way is north?",
        "Is the sign upside down?",
        "What time does the clock show?",
        "Is the box rotated?",
    ],
)
def test_a_question_about_how_things_lie_forbids_turning(question: str) -> None:
    assert verdict(["natural"], "rotate").allowed
    ruling = verdict(["natural"], "rotate", question)
    assert ruling.outcome == "forbid"
    assert "since it says" in ruling.reason


def test_an_answer_about_how_things_lie_forbids_turning_too() -> None:
    assert not verdict(["natural"], "rotate", "Where is the cat?", "on the left").allowed


def test_a_word_inside_a_word_reveals_nothing() -> None:
    assert verdict(["natural"], "rotate", "Is the copyright uplifting the leftover?").allowed


@pytest.mark.parametrize(
    ("question", "transform", "limits"),
    [
        ("What colour is the car?", "gaussian_noise", {"sigma": (1, 12)}),
        ("Is there a red car?", "gaussian_noise", {"sigma": (1, 12)}),
        ("What does the text say?", "gaussian_noise", {"sigma": (1, 8)}),
        ("What share in % is coal?", "jpeg", {"quality": (75, 100)}),
    ],
)
def test_a_question_may_tighten_a_bound(
    question: str, transform: str, limits: dict[str, tuple[int, int]]
) -> None:
    assert verdict(["natural"], transform, question).limits == limits
    assert verdict(["natural"], transform, "What is it?").limits != limits


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        ("How many beeps do you hear?", True),
        ("Is the second beep higher or lower than the first?", False),
        ("Which beep is longer?", False),
        ("Who speaks first?", False),
        ("Give a short answer: which digit is spoken?", True),
    ],
)
def test_a_question_about_pitch_or_time_forbids_playing_faster(
    question: str, allowed: bool
) -> None:
    assert verdict(["events"], "speed", question).allowed is allowed


def test_words_alone_never_allow() -> None:
    assert not verdict([], "gaussian_noise", "How many red cars?").allowed


def test_bounds_that_leave_nothing_forbid() -> None:
    ruling = narrowed(safe("for a reason", sigma=(1, 8)), {"sigma": (10, 20)})
    assert ruling.outcome == "forbid"
    assert "sigma must lie within 1 to 8" in ruling.reason
