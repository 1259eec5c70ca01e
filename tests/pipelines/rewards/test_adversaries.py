"""What a policy may try instead of answering: no reward may pay for it."""

import pytest

from pipelines.record.sample import Answer
from pipelines.rewards import REWARDS, grade, reference_completion

COLOURS = ("red", "orange", "light orange", "42")
GOLDS = [
    Answer.number(42),
    Answer.number("-0.5"),
    Answer.choice("B", COLOURS),
    Answer.choice("D", COLOURS),
    Answer.bool(True),
    Answer.bool(False),
    Answer.text("dark blue", variants=["navy"]),
    Answer.json([5, 6]),
    Answer(kind="json", value=[5, 6], unit="rows, columns"),
    Answer.json({"colour": "red"}),
    Answer(kind="math", value="\\frac{x}{2}"),
    Answer(kind="math", value="42"),
    Answer(kind="transcript", value="seven four two"),
]
QUESTION = """How many of the 42 shapes are dark blue, and is x over 2 true or false?
(A) red
(B) orange
(C) light orange
(D) 42"""
DODGES = {
    "empty": "",
    "white space": " \n\t\n ",
    "refusal": "I'm sorry, but I cannot help with that.",
    "doubt": "I don't know.",
    "all letters": "A B C D",
    "all letters in brackets": "(A) (B) (C) (D)",
    "every answer": "42, -0.5, B, D, yes, no, dark blue, [5, 6], x/2, seven four two",
    "no, yes": "no, yes",
    "yes and no": "Yes. No.",
    "several boxes": " ".join(
        f"\\boxed{{{v}}}"
        for v in ("42", "-0.5", "B", "D", "yes", "no", "dark blue", "[5, 6]", "x/2", "seven")
    ),
    "several tags": "<answer>42</answer><answer>-0.5</answer>",
    "question": QUESTION,
    "question without options": QUESTION.splitlines()[0],
    "huge number": "9" * 5000,
    "huge power": "1e999999999",
    "nested brackets": "(" * 3000 + "42" + ")" * 3000,
    "nested boxes": "\\boxed{" * 3000 + "42" + "}" * 3000 + " \\boxed{43}",
    "unclosed boxes": "\\boxed{" * 10_000,
    "nested json": "[" * 100_000,
    "control characters": "4\x002\x07\x1b[2J",
    "control character after the answer": "42\x00",
    "answer only in thought": "<think>\\boxed{42}</think>",
    "thought that never ends": "<think>42\nyes\nB",
    "lone surrogate": "\ud800",
    "format without answer": "\\boxed{}",
    "empty tag": "<answer></answer>",
}


@pytest.mark.parametrize("dodge", DODGES)
def test_no_reward_pays_for_a_dodge(dodge: str) -> None:
    for gold in GOLDS:
        score = grade(gold, DODGES[dodge])
        assert score.correct is False, f"{gold.kind} {gold.value}: {score}"
        # A transcript pays for the share of right words, so some words may earn a part.
        assert score.value == 0 or (gold.kind == "transcript" and score.value < 1)


NEARLY = [
    (Answer.number(42), ["4", "2", "142", "420", "4.2", "42 or 43", "41 42 43", "40-42", "not 42"]),
    (Answer.number(42), ["42x", "42 + 1", "6*7", "4 2", "4,2", ">42", "42 thousand", "-42"]),
    (Answer.number("-0.5"), ["0.5", "-5", "-0.55", "-.05", "1/2", "-1/0", "0.5%"]),
    (Answer.choice("B", COLOURS), ["A or B", "BB", "AB", "not B", "(B) red", "B. orange or (C)"]),
    (Answer.choice("B", COLOURS), ["ange", "dark orange", "light orange", "orange red", "E", "I"]),
    (Answer.bool(True), ["not true", "isn't correct", "incorrect", "untrue", "yesterday", "t"]),
    (Answer.bool(True), ["yes or no", "true/false", "I cannot say yes", "nobody knows"]),
    (Answer.bool(False), ["not false", "know", "north", "incorrect? no, correct"]),
    (Answer.text("dark blue"), ["blue", "dark", "dark blue or red", "very dark blue", "darkblue"]),
    (Answer.json([5, 6]), ["5", "6", "(6,5)", "5 6 7", "[5, 6, 6]", "56", "5.6", "[[5, 6]]"]),
    (Answer.json({"a": 1}), ['{"a": 1, "b": 2}', "{}", '{"a": "1"}', '{"a": true}', "a 1"]),
    (Answer(kind="math", value="5"), ["5, 6", "5 or 6", "2+3", "\\pm 5", "55", "5}{6"]),
    (Answer(kind="transcript", value="seven four"), ["seven", "seven four two", "four seven"]),
]


@pytest.mark.parametrize(("gold", "attempts"), NEARLY, ids=lambda x: getattr(x, "kind", ""))
def test_neither_more_nor_less_than_the_reference_is_right(
    gold: Answer, attempts: list[str]
) -> None:
    assert [given for given in attempts if grade(gold, given).correct is not False] == []


@pytest.mark.parametrize("gold", GOLDS, ids=lambda gold: f"{gold.kind}-{gold.value}")
def test_the_reference_is_right(gold: Answer) -> None:
    assert grade(gold, reference_completion(gold)).correct


def test_every_reward_faces_the_dodges() -> None:
    built_in = {n for n, r in REWARDS.items() if r.grader.__module__.startswith("pipelines.")}
    assert {gold.kind for gold in GOLDS} == built_in
