"""Plain answers are read by a shorter way, which comes to the same as the long one."""

import random
import re
from fractions import Fraction

import pytest

from pipelines.rewards import final_answer as answers
from pipelines.rewards import quantities

NEVER = re.compile(r"(?!)")
PIECES = ("-", "0", "7", "12", ".", ",", " ", "a", "No", "=", "%", "é", "_", "<", "\n", "$", "*")


def texts() -> list[str]:
    rng = random.Random(0)
    made = ["".join(rng.choices(PIECES, k=rng.randint(0, 8))) for _ in range(3000)]
    return [*made, "0", "-0", "007", "1.50", "-12.0", "9" * 30, "9" * 31, "9" * 70, "1.", ".5"]


def read(text: str) -> Fraction | str:
    try:
        return quantities.read_quantity(text).value
    except quantities.NotOneNumber as error:
        return str(error)


def test_a_tag_alone_gives_what_the_search_for_signs_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    completions = [f"<answer>{text}</answer>" for text in texts()]
    short = [answers.final_answer(completion) for completion in completions]
    monkeypatch.setattr(answers, "_TAG_ALONE", NEVER)
    assert [answers.final_answer(completion) for completion in completions] == short


def test_a_bare_number_is_the_one_that_the_full_reading_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = [read(text) for text in texts()]
    monkeypatch.setattr(quantities, "_BARE", NEVER)
    assert [read(text) for text in texts()] == short
