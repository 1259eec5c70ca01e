from pathlib import Path

import pytest

from augment.errors import AugmentError
from augment.labels import COLUMNS, TABLE, TAGS, narrowed, overridden, read_table, safe, verdict
from augment.transforms import TRANSFORMS

EVERY_TAG = {tag for tags in TAGS.values() for tag in tags}


def written(folder: Path, text: str) -> Path:
    path = folder / "table.toml"
    path.write_text(text)
    return path


def test_the_table_rules_on_every_transform_and_no_other() -> None:
    assert set(TABLE) == set(TRANSFORMS)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_row_rules_on_every_tag_of_its_medium_and_no_other(name: str) -> None:
    assert tuple(TABLE[name]) == COLUMNS[TRANSFORMS[name].medium]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_rule_has_a_reason_and_bounds_that_the_transform_can_draw(name: str) -> None:
    for rule in TABLE[name].values():
        assert len(rule.reason.split()) >= 2
        for key, (low, high) in rule.limits.items():
            lowest, highest = TRANSFORMS[name].bounds[key]
            assert lowest <= low < high <= highest
        assert rule.allowed or not rule.limits


def test_only_what_has_nothing_to_bound_is_allowed_without_bounds() -> None:
    # The number of an order and the style of numbers are narrowed by the question itself.
    free = {"shuffle_options", "number_format"}
    unbounded = {
        name
        for name, row in TABLE.items()
        for rule in row.values()
        if rule.allowed and not rule.limits
    }
    assert {name for name in unbounded if set(TRANSFORMS[name].bounds) - {"seed"}} <= free


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_tag_of_another_medium_forbids(name: str) -> None:
    for tag in EVERY_TAG - set(COLUMNS[TRANSFORMS[name].medium]):
        assert verdict([tag], name).outcome == "forbid"


def test_the_answer_moves_where_the_table_says_how_and_nowhere_else() -> None:
    remapped = {
        (name, tag)
        for name, row in TABLE.items()
        for tag, rule in row.items()
        if rule.outcome == "remap"
    }
    for name, tag in remapped:
        transform = TRANSFORMS[name]
        moves = transform.move is not None or name in ("occlude", "shuffle_options")
        assert moves or (transform.retime is not None and tag == "timestamp")
    for name, transform in TRANSFORMS.items():
        if transform.move is not None:
            assert TABLE[name]["grounding"].outcome != "safe", name
            assert TABLE[name]["gui"].outcome != "safe", name
        if transform.retime is not None:
            assert TABLE[name]["timestamp"].outcome != "safe", name


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


@pytest.mark.parametrize(
    ("question", "transform"),
    [
        ("Is the dog left of the tree?", "rotate"),
        ("Which circle is larger?", "stretch"),
        ("What is the ratio of the sides?", "perspective"),
        ("Is the shape a square?", "stretch"),
        ("Which flower is red?", "grayscale"),
        ("Which flower is red?", "hue_saturation"),
        ("What is written on the bus?", "flip_horizontal"),
        ("Does the arrow turn clockwise?", "flip_horizontal"),
        ("What number is on the shirt?", "flip_horizontal"),
        ("What is in the top row?", "flip_vertical"),
        ("What is in the box (10, 20, 30, 40)?", "resize"),
        ("What lies at [0.5, 0.25]?", "pad"),
    ],
)
def test_a_word_of_the_question_vetoes(question: str, transform: str) -> None:
    tag = "counting" if transform == "flip_vertical" else "natural"
    assert verdict([tag], transform, "Is it there?").allowed
    assert not verdict([tag], transform, question).allowed


@pytest.mark.parametrize(
    ("question", "transform"),
    [
        ("How long is the tone?", "speed"),
        ("How long is the tone?", "time_stretch"),
        ("Does the second speaker sound older?", "pitch"),
        ("Is the second tone higher?", "pitch"),
        ("How many letters has the word they say?", "typing_noise"),
    ],
)
def test_a_word_about_what_is_heard_vetoes(question: str, transform: str) -> None:
    assert verdict(["events"], transform, "What is it?").allowed
    assert not verdict(["events"], transform, question).allowed


def test_a_time_mark_moves_with_the_clip_and_a_duration_does_not() -> None:
    assert verdict(["timestamp"], "speed", "At what second does it bark?").outcome == "remap"
    assert not verdict(["timestamp"], "speed", "How long does it bark?").allowed
    assert verdict(["timestamp"], "gain", "How long does it bark?").outcome == "safe"


def test_a_screen_is_scaled_and_never_turned_or_mirrored() -> None:
    for name in ("rotate", "quarter_turn", "flip_horizontal", "flip_vertical", "affine"):
        assert not verdict(["gui"], name).allowed, name
    for name in ("resize", "stretch", "pad", "crop"):
        assert verdict(["gui"], name).outcome == "remap", name
    for name in ("brightness_contrast", "jpeg"):
        assert verdict(["gui"], name).outcome == "safe", name


def test_text_in_a_picture_is_not_mirrored_nor_drowned() -> None:
    assert verdict(["natural"], "flip_horizontal").allowed
    assert not verdict(["natural", "has_text"], "flip_horizontal").allowed
    assert verdict(["natural", "has_text"], "gaussian_noise").limits == {"sigma": (1, 12)}


def test_a_person_s_own_rows_take_the_place_of_cells(tmp_path: Path) -> None:
    own = written(tmp_path, '[flip_horizontal]\n"direction, sides" = { safe = "let us see" }\n')
    table = overridden(read_table(own))
    asked = ["natural"], "flip_horizontal", "Is it on the left?"
    assert verdict(*asked).outcome == "remap"
    assert verdict(*asked, table=table).outcome == "safe"
    assert not verdict(["ocr"], "flip_horizontal", table=table).allowed
    assert table["jpeg"] == TABLE["jpeg"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[sharpen]\nocr = { safe = "it is fine" }', "unknown transform 'sharpen'"),
        ('[jpeg]\nspeech = { safe = "it is fine" }', "knows no tag 'speech'"),
        ('[jpeg]\nocr = { safe = "it is", q = [1, 2] }', "'jpeg' takes quality, not 'q'"),
        ('[jpeg]\nocr = { safe = "it is", quality = 80 }', "quality is .lowest, highest., not 80"),
        ('[jpeg]\nocr = { safe = "it is", quality = [90, 80] }', "not 90 to 80"),
        ('[jpeg]\nocr = { safe = "it is", quality = [0, 80] }', "within 1 to 100"),
        ('[jpeg]\nocr = { allow = "it is" }', "one of safe, remap and forbid"),
        ('[jpeg]\nocr = { forbid = "no", quality = [50, 80] }', "so it has no limits"),
        ("jpeg = 3", "a table of rulings"),
        ("[jpeg", "is not TOML"),
    ],
)
def test_a_mistake_in_a_person_s_table_names_file_and_key(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(AugmentError, match=complaint) as refused:
        read_table(written(tmp_path, text))
    assert "table.toml" in str(refused.value)


def test_words_alone_never_allow() -> None:
    assert not verdict([], "gaussian_noise", "How many red cars?").allowed


def test_bounds_that_leave_nothing_forbid() -> None:
    ruling = narrowed(safe("for a reason", sigma=(1, 8)), {"sigma": (10, 20)})
    assert ruling.outcome == "forbid"
    assert "sigma must lie within 1 to 8" in ruling.reason


MANUAL = Path(__file__).parents[2] / "docs" / "augmentation.md"
SHOWN = {"safe": "safe", "remap": "**moves**", "forbid": "-"}


def grid(medium: str) -> list[str]:
    """The table of one medium as the manual shows it."""
    columns = COLUMNS[medium]  # type: ignore[index]
    names = [name for name in TABLE if TRANSFORMS[name].medium == medium]
    rows = [[f"`{name}`", *(SHOWN[TABLE[name][tag].outcome] for tag in columns)] for name in names]
    head = [["", *(f"`{tag}`" for tag in columns)], ["---"] * (len(columns) + 1)]
    return [f"| {' | '.join(row)} |" for row in (*head, *rows)]


@pytest.mark.parametrize("medium", ["image", "video", "audio"])
def test_the_manual_shows_the_table_as_it_is(medium: str) -> None:
    text = MANUAL.read_text()
    assert "\n".join(grid(medium)) in text, "\n".join(grid(medium))


def test_the_manual_names_every_tag() -> None:
    text = MANUAL.read_text()
    assert [tag for tag in sorted(EVERY_TAG) if f"`{tag}`" not in text] == []
