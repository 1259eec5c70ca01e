"""Words that change: options move with their answer, fingers slip, numbers are written otherwise."""

import contextlib
import itertools
import math
import time
from dataclasses import replace

import pytest

from augment.errors import AugmentError
from augment.history import Applied, replay
from augment.number_format import number_format, styles_of
from augment.question import Question
from augment.text import (
    CannotShuffle,
    cyclic_orders,
    move_letter,
    numbered_order,
    shuffle_options,
    shuffled,
)
from augment.typos import typing_noise

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


def asked(text: str, *options: str, letter: str = "A", **more: object) -> Question:
    kind, value = ("choice", letter) if options else ("text", "")
    return Question((text,), **{"kind": kind, "value": value, "options": options, **more})  # type: ignore[arg-type]


COLOURS = asked("Which?\nA) red\nB) blue\nC) grey", "red", "blue", "grey", letter="B")


def test_every_number_of_an_order_is_another_order() -> None:
    for count in (1, 2, 3, 4):
        numbers = range(math.factorial(count))
        orders = [numbered_order(number, count) for number in numbers]
        assert set(orders) == set(itertools.permutations(range(count)))
        assert orders[0] == tuple(range(count))
    with pytest.raises(AugmentError, match="3 options have no order number 6"):
        numbered_order(6, 3)


def test_shuffled_options_take_the_right_letter_along() -> None:
    for order in range(1, 6):
        now = replay(COLOURS, [Applied("shuffle_options", {"order": order}, 1)])
        assert now.options["ABC".index(now.value)] == "blue"
        assert now.options != COLOURS.options
        assert f"{now.value}) blue" in now.text


def test_options_are_found_in_whichever_text_lists_them() -> None:
    apart = replace(COLOURS, texts=("Look at this.", *COLOURS.texts))
    now = shuffled(apart, order=1)
    assert now.texts == ("Look at this.", "Which?\nA) red\nB) grey\nC) blue")
    with pytest.raises(CannotShuffle, match="names one by its letter"):
        shuffled(replace(COLOURS, texts=("Not option B!", *COLOURS.texts)), order=1)
    with pytest.raises(CannotShuffle, match="names one by its letter"):
        shuffled(replace(COLOURS, around=("Prefer option B.",)), order=1)
    with pytest.raises(CannotShuffle, match="has none"):
        shuffled(asked("How many?", kind="number", value="2"), order=1)


LONG = (
    "Yesterday somebody bought 1,250 marbles and gave seven of them to `list_of_friends`; "
    "how many marbles remain, given $x_{total}$ and \\frac{marbles}{friends}? "
    'The note said "marbles forever". See https://marbles.example/catalogue for 12 kilometres.'
)


def test_typing_noise_changes_as_many_words_as_it_says_and_only_inside_them() -> None:
    for seed, changes in itertools.product(range(40), (1, 2, 3)):
        now = typing_noise(asked(LONG), changes=changes, seed=seed).text
        before, after = LONG.split(), now.split()
        differing = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(differing) == changes
        for old, new in differing:
            assert (old[0], old[-1]) == (new[0], new[-1])
            assert abs(len(old) - len(new)) <= 1


def test_typing_noise_touches_no_number_formula_code_quotation_or_address() -> None:
    kept = [
        *("1,250", "`list_of_friends`", "$x_{total}$", "\\frac{marbles}{friends}", "seven", "12"),
        *('"marbles forever"', "https://marbles.example/catalogue", "kilometres", "many"),
    ]
    for seed in range(60):
        now = typing_noise(asked(LONG), changes=5, seed=seed).text
        assert all(word in now for word in kept)


def test_typing_noise_leaves_the_words_of_answers_and_telling_words_alone() -> None:
    question = asked(
        "Which animal is painted leftmost, above the mountain?\nA) elephant\nB) giraffe",
        *("elephant", "giraffe"),
    )
    for seed in range(60):
        now = typing_noise(question, changes=9, seed=seed)
        assert all(w in now.text for w in ("A) elephant\nB) giraffe", "leftmost", "above"))
        assert now.options == question.options


def test_the_same_slips_come_again_and_other_seeds_slip_otherwise() -> None:
    slips = [typing_noise(asked(LONG), changes=2, seed=seed).text for seed in range(20)]
    assert slips == [typing_noise(asked(LONG), changes=2, seed=seed).text for seed in range(20)]
    assert len(set(slips)) > 15
    # Pinned: a stored view must be rebuilt by every later version of this code.
    assert slips[0] == typing_noise(asked(LONG), changes=2, seed=0).text


def test_a_question_without_words_to_mistype_says_so() -> None:
    with pytest.raises(AugmentError, match="no word that could be mistyped"):
        typing_noise(asked("2+3=?"), changes=1, seed=0)


@pytest.mark.parametrize(
    ("text", "style", "said"),
    [
        ("It costs 12000 dollars.", 1, "It costs 12,000 dollars."),
        ("It costs $1,234,567.50 now", 2, "It costs $1234567.50 now"),
        ("The 3500 birds flew 12,000 km.", 1, "The 3,500 birds flew 12,000 km."),
        ("The 3500 birds flew 12,000 km.", 2, "The 3500 birds flew 12000 km."),
        ("Earning £45000.75?", 1, "Earning £45,000.75?"),
    ],
)
def test_an_amount_is_written_otherwise(text: str, style: int, said: str) -> None:
    assert number_format(asked(text), style=style).text == said


@pytest.mark.parametrize(
    "text",
    [
        "In 1999 it rained",
        "A total of 1999 birds",
        "in the year 12000",
        "code 90210 is typed",
        "phone 5551234",
        "at (1,200, 3,400)",
        "the set {1,200}",
        "the list 1,200,30",
        "the list 1,2,300",
        "$x = 12000$",
        "`size = 12000`",
        "id_12000",
        "0012000 apples",
        "3.14159265 is pi",
        "on 12/12/2024 at 10:30:00",
        "1234567890123456789 atoms",
        "12000m",
        "x=12000",
        "write '12000' in words",
        "version 12000.1.2",
        "12,00 euros",
    ],
)
def test_a_number_that_may_mean_something_else_stays(text: str) -> None:
    for style in (1, 2):
        with pytest.raises(AugmentError, match="no number that could be written otherwise"):
            number_format(asked(text), style=style)
    assert styles_of(asked(text)) == []


def test_a_number_that_is_an_answer_stays() -> None:
    question = asked("Is 12000 or 13000 larger?\nA) 12000\nB) 13000", "12000", "13000")
    assert styles_of(question) == []


def test_both_styles_there_and_back_are_what_was_written() -> None:
    there = number_format(asked("Add 45000 and 1200300 apples."), style=1)
    assert there.text == "Add 45,000 and 1,200,300 apples."
    assert number_format(there, style=2).text == "Add 45000 and 1200300 apples."


@pytest.mark.parametrize("name", ["typing_noise", "number_format", "shuffle_options"])
def test_a_hostile_question_takes_no_time(name: str) -> None:
    for text in (
        "a" * 20_000,
        "“" * 20_000,
        "\\(" * 10_000,
        "1," * 10_000,
        "`" * 20_001,
        "$ " * 9_999,
    ):
        started = time.process_time()
        params = {"changes": 1, "seed": 0} if name == "typing_noise" else {}
        params |= {"style": 2} if name == "number_format" else {}
        params |= {"order": 1} if name == "shuffle_options" else {}
        with contextlib.suppress(AugmentError):
            replay(asked(text, "x", "y"), [Applied(name, params, 1)])
        assert time.process_time() - started < 3
