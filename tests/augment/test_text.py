"""Options that move: the list is rewritten, the answer goes along, and what leans on it is refused."""

import itertools

import pytest

from augment.errors import AugmentError
from augment.text import CannotShuffle, cyclic_orders, move_letter, shuffle_options

LISTS = [
    "add the digits\n{}",
    "{}",
    "Which is it? {}. Say the letter.",
    "Which?\n\n{}\n\nAnswer with A, B or C.",
]
WAYS = [
    "\nA) {}\nB) {}\nC) {}",
    "(A) {}, (B) {}, (C) {}",
    "A. {}; B. {}; C. {}",
    "A: {} B: {} C: {}",
]


@pytest.mark.parametrize("around", LISTS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_a_list_is_rewritten_and_read_again(around: str, way: str) -> None:
    options = ["7", "a red apple", "12.5 (cm)"]
    for order in itertools.permutations(range(3)):
        moved = [options[i] for i in order]
        text = shuffle_options(around.format(way.format(*options)), options, order)
        assert text == around.format(way.format(*moved))
        back = [order.index(i) for i in range(3)]
        assert shuffle_options(text, moved, back) == around.format(way.format(*options))


def test_the_answer_goes_along_with_its_text() -> None:
    options = ["red", "green", "blue", "grey"]
    for letter, order in itertools.product("ABCD", itertools.permutations(range(4))):
        moved = [options[i] for i in order]
        assert moved["ABCD".index(move_letter(letter, order))] == options["ABCD".index(letter)]


def test_shifts_bring_every_option_to_every_place_and_never_stand_still() -> None:
    orders = cyclic_orders(4, 9)
    assert len(orders) == 3
    assert tuple(range(4)) not in orders
    for place in range(4):
        assert {order[place] for order in orders} == set(range(4)) - {place}
    assert cyclic_orders(4, 2) == orders[:2]
    assert cyclic_orders(1, 3) == []


def test_what_prose_repeats_of_the_options_is_not_touched() -> None:
    text = "The red one beats the blue one. Which wins?\nA) red\nB) blue"
    said = "The red one beats the blue one. Which wins?\nA) blue\nB) red"
    assert shuffle_options(text, ["red", "blue"], (1, 0)) == said


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("which is red or blue?", ["red", "blue"], "no_list"),
        ("A) red\nB) blue\nC) grey", ["red", "blue"], "list_goes_on"),
        ("A) red B) blue apple", ["red", "blue"], "no_list"),
        ("A) 3.5 B) 3", ["3", "3.5"], "no_list"),
        ("A) 3 B) 3.5", ["3", "3"], "same_options"),
        ("B) blue A) red", ["red", "blue"], "no_list"),
        ("A) red\nB) blue\n\nA) red\nB) blue", ["red", "blue"], "several_lists"),
        ("A) red\nB) all of the above", ["red", "all of the above"], "refers_to_others"),
        ("A) red\nB) blue\nC) both A and B", ["red", "blue", "both A and B"], "refers_to_others"),
        ("A) red\nB) None of these", ["red", "None of these"], "refers_to_others"),
        ("A) x\nB) y\nC) only A", ["x", "y", "only A"], "refers_to_others"),
        ("A) B\nB) A", ["B", "A"], "letter_option"),
        ("Is option A larger?\nA) yes\nB) no", ["yes", "no"], "letter_in_prose"),
        ("A) one", ["one"], "same_options"),
        ("A) red\nB) ", ["red", ""], "letter_option"),
    ],
)
def test_what_cannot_be_moved_says_why(text: str, options: list[str], reason: str) -> None:
    with pytest.raises(CannotShuffle, match="the options cannot be moved: ") as refused:
        shuffle_options(text, options, range(len(options))[::-1])
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "option", ["above the table", "both hands", "none", "all red", "A4 paper", "a and b", "Or"]
)
def test_content_that_only_sounds_like_a_reference_moves(option: str) -> None:
    text = f"Where?\nA) {option}\nB) below the table"
    said = f"Where?\nA) below the table\nB) {option}"
    assert shuffle_options(text, [option, "below the table"], (1, 0)) == said


def test_an_order_must_name_every_option_once() -> None:
    for order in [(0, 0), (0,), (0, 2), (0, 1, 2)]:
        with pytest.raises(AugmentError, match="is no order of 2 options"):
            shuffle_options("A) x\nB) y", ["x", "y"], order)


def test_a_hostile_text_is_refused_in_no_time() -> None:
    text = "A) x" + " " * 200_000 + "\n" * 100_000 + "B"
    with pytest.raises(CannotShuffle):
        shuffle_options(text * 2, ["x", "y"], (1, 0))
