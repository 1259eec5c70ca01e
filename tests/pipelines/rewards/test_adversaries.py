"""What a policy may try instead of answering: no reward may pay for it."""

import pytest

from pipelines.record.sample import Answer, Reference
from pipelines.rewards import REWARDS, Grading, grade, reference_completion
from pipelines.rewards.composition import Composition

COLOURS = ("red", "orange", "light orange", "42")
STEPS = ("6*7 = 42", "navy | sky blue")
GOLDS = [
    Answer.number(42),
    Answer.number("-0.5"),
    Answer.number(42, unit="km"),
    Answer.number("3.14", tolerance="1%"),
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
    Answer(kind="box", value=[300, 400, 500, 600]),
    Answer(kind="boxes", value=[[300, 400, 500, 600], [0, 0, 9, 9]]),
    Answer(kind="point", value=[300, 400, 500, 600]),
    Answer(kind="point", value=[42, 43], tolerance="3"),
    Answer(kind="set", value=["dark blue", "red"]),
    Answer(kind="set", value=["A", "C"], options=COLOURS),
]
PARTIAL = {"transcript", "set", "boxes", "box"}
"""Rewards whose value is the share that is right; `correct` is never partial."""
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
    "not a number": "NaN",
    "infinite": "[Infinity, Infinity, Infinity, Infinity]",
    "no list": "[]",
    "blank boxes": "[0, 0, 0, 0]",
    "true in the first sentence": "Not true. It is not correct either. Incorrect.",
}


@pytest.mark.parametrize("dodge", DODGES)
def test_no_reward_pays_for_a_dodge(dodge: str) -> None:
    for gold in GOLDS:
        score = grade(Reference(gold), DODGES[dodge])
        if dodge == "true in the first sentence" and gold == Answer.bool(False):
            assert score.correct is True  # it does say no, three times
            continue
        assert score.correct is False, f"{gold.kind} {gold.value}: {score}"
        # Some words of a transcript, or things of a set, may be right and earn their share.
        assert score.value == 0 or (gold.kind in PARTIAL and score.value < 0.7), f"{gold}: {score}"


@pytest.mark.parametrize("dodge", DODGES)
@pytest.mark.parametrize("name", ["key_steps", "step_format", "format"])
def test_no_reward_for_form_pays_for_a_dodge(name: str, dodge: str) -> None:
    score = REWARDS[name].grade(Reference(Answer.number(42), STEPS), DODGES[dodge])
    assert (score.value, score.correct) == (0, False), score


@pytest.mark.parametrize("dodge", DODGES)
def test_no_composition_pays_for_a_dodge(dodge: str) -> None:
    parts = (("answer", 1.0), ("key_steps", 0.1), ("step_format", 1.0), ("format", 0.5))
    stepwise = Grading(Composition("stepwise", parts, {}))
    score = stepwise.grade(Reference(Answer.number(42), STEPS), DODGES[dodge])
    assert (score.value, score.correct) == (0, False), score


NEARLY = [
    (Answer.number(42), ["4", "2", "142", "420", "4.2", "42 or 43", "41 42 43", "40-42", "not 42"]),
    (Answer.number(42), ["42x", "42 + 1", "6*7", "4 2", "4,2", ">42", "42 thousand", "-42"]),
    # math-verify takes 12% for 12 and 3.1400001 for 3.14.
    (Answer.number(42), ["42%", "42.0000001", "42M", "√42", "42 and a half", "$42!$", "0x42"]),
    (Answer.number(42, unit="km"), ["42 m", "42 miles", "42 kg", "42 km/h", "42 km^2", "42%"]),
    (Answer.number(42, unit="%"), ["0.42", "42/100", "42 km", "4200%"]),
    (Answer.number("0.42"), ["42", "0.42%", "420%"]),
    (Answer.number("3.14"), ["3.1400001", "3.1", "3,14", "22/7"]),
    (Answer.number(15), ["", "5", "1", "99", "15 5"]),  # '' == '' and `gt in ans or ans in gt`
    (Answer.number("-0.5"), ["0.5", "-5", "-0.55", "-.05", "1/2", "-1/0", "0.5%", "--0.5"]),
    (Answer.choice("B", COLOURS), ["A or B", "BB", "AB", "not B", "(B) red", "B. orange or (C)"]),
    (Answer.choice("B", COLOURS), ["ange", "dark orange", "light orange", "orange red", "E", "I"]),
    (Answer.choice("B", COLOURS), ["A, B", "B is wrong", "anything but B", "B, C", "A B C D"]),
    (Answer.choice("D", COLOURS), ["42 or 43", "42%", "4", "-42", "421"]),
    (Answer.bool(True), ["not true", "isn't correct", "incorrect", "untrue", "yesterday", "t"]),
    (Answer.bool(True), ["yes or no", "true/false", "I cannot say yes", "nobody knows"]),
    (Answer.bool(True), ["no, yes", "not correct", "Not true. It is true that people think so. No."]),
    (Answer.bool(False), ["not false", "know", "north", "incorrect? no, correct"]),
    (Answer.text("dark blue"), ["blue", "dark", "dark blue or red", "very dark blue", "darkblue"]),
    (Answer.json([5, 6]), ["5", "6", "(6,5)", "5 6 7", "[5, 6, 6]", "56", "5.6", "[[5, 6]]"]),
    (Answer.json([5, 6]), ["not [5, 6] but that, so not 5, 6", "[5, 6] [6, 5]", '["5", "6"]']),
    (Answer.json({"a": 1}), ['{"a": 1, "b": 2}', "{}", '{"a": "1"}', '{"a": true}', "a 1"]),
    (Answer.json({"a": 1}), ['{"a": 2, "a": 1}', '{"a": 1.5}', '{"a": NaN}', '[{"a": 1}]']),
    (Answer(kind="math", value="5"), ["5, 6", "5 or 6", "2+3", "\\pm 5", "55", "5}{6"]),
    (Answer(kind="math", value="12"), ["\\boxed{12} \\boxed{13}", "12 or 13", "not 12"]),
    (Answer(kind="transcript", value="seven four"), ["seven", "seven four two", "four seven"]),
    (Answer(kind="box", value=[10, 20, 30, 40]), ["[30, 40, 10, 20]", "[10, 20, 10, 40]"]),
    (
        Answer(kind="box", value=[10, 20, 30, 40]),
        ["[0, 0, 1000, 1000]", "[10, 20, 30]", "[10,20,30,40] or [50,60,70,80]", "10 20"],
    ),
    # With inclusive pixels, or mixed ones, this would be half.
    (Answer(kind="box", value=[0, 0, 2, 1]), ["[0, 0, 1, 1]", "[0, 0, 4, 1]", "[2, 0, 4, 1]"]),
    (Answer(kind="boxes", value=[[0, 0, 9, 9]]), ["[[0,0,9,9],[0,0,9,9]]", "[0,0,9,9] [1,1,9,9]"]),
    (Answer(kind="boxes", value=[[0, 0, 9, 9], [20, 0, 29, 9]]), ["[[0,0,9,9],[0,0,9,9]]"]),
    (Answer(kind="point", value=[10, 20, 30, 40]), ["[10,20,30,40]", "[30,40]", "15", "[9,25]"]),
    (Answer(kind="point", value=[10, 20], tolerance="5"), ["[14,24]", "10", "(10,20) (50,60)"]),
    (Answer(kind="set", value=["red", "blue"]), ["red", "red, blue, green", "red blue", "not red, blue"]),
    (Answer(kind="set", value=["A", "C"], options=COLOURS), ["A", "AC", "A, B, C", "A, B, C, D", "red"]),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "attempts"), NEARLY, ids=lambda x: getattr(x, "kind", ""))
def test_neither_more_nor_less_than_the_reference_is_right(
    gold: Answer, attempts: list[str]
) -> None:
    assert [a for a in attempts if grade(Reference(gold), a).correct is not False] == []


@pytest.mark.parametrize("gold", GOLDS, ids=lambda gold: f"{gold.kind}-{gold.value}")
def test_the_reference_is_right(gold: Answer) -> None:
    score = grade(Reference(gold), reference_completion(gold))
    assert (score.correct, score.value) == (True, 1)


@pytest.mark.parametrize("box", [[0, 0, 2, 1], [10, 20, 30, 40]])
def test_more_boxes_never_pay(box: list[int]) -> None:
    """Boxes all over the picture hit the reference, and are worth next to nothing."""
    spam = [[x, y, x + 20, y + 20] for x in range(0, 100, 10) for y in range(0, 100, 10)]
    gold = Reference(Answer(kind="boxes", value=[[10, 20, 30, 40]]))
    assert grade(gold, str(spam)).value <= 1 / len(spam)
    assert grade(gold, str([[10, 20, 30, 40], box])).value <= 0.5


def test_every_reward_faces_the_dodges() -> None:
    built_in = {n for n, r in REWARDS.items() if r.grader.__module__.startswith("pipelines.")}
    assert {gold.kind for gold in GOLDS} | {"key_steps", "step_format", "format"} == built_in
