"""The step-wise rewards of R1-VL (arXiv 2503.12937) do what the paper says, and not what its code does."""

from pathlib import Path

import pytest

from pipelines.record.sample import Answer, Reference
from pipelines.rewards import REWARDS, Grading
from pipelines.rewards.composition import Composition
from pipelines.rewards.declared import grading_of

STEPS = ("24 = 48 / 2 | half of 48", "48 + 24 = 72")
GOLD = Reference(Answer.number(72), STEPS)
WORK = "Half of 48 is 24.\nThen 48 + 24 = 72."
ALPHA = Grading(Composition("accuracy", (("answer", 1.0), ("key_steps", 0.1)), {}))
WELL_FORMED = (
    "### Image Description: clips\n### Rationales: add\n### Step 1: half of 48\n"
    "### Step 2: 48 + 24 = 72\n### The final answer is: 72"
)


def share(completion: str, steps: tuple[str, ...] = STEPS) -> float:
    return REWARDS["key_steps"].grade(Reference(Answer.number(72), steps), completion).value


@pytest.mark.parametrize(
    ("completion", "value", "correct"),
    [
        (f"{WORK}\nA: 71", 0.1, False),
        ("Well.\nA: 72", 1.0, True),
        (f"{WORK}\nA: 72", 1.1, True),
        ("Half of 48 is 24.\nA: 72", 1.05, True),
        ("A: 71", 0.0, False),
    ],
)
def test_accuracy_counts_and_steps_add_a_tenth(
    completion: str, value: float, correct: bool
) -> None:
    score = ALPHA.grade(GOLD, completion)
    assert (score.value, score.correct) == (pytest.approx(value), correct)


def test_a_mention_counts_once() -> None:
    assert share("half of 48, half of 48, half of 48\nA: 72") == 0.5
    assert share("48 + 24 = 72\nA: 72", ("48 + 24 = 72", "48 + 24 = 72")) == 0.5


def test_without_key_steps_there_is_nothing_to_earn_and_no_error() -> None:
    score = REWARDS["key_steps"].grade(Reference(Answer.number(72)), f"{WORK}\nA: 72")
    assert (score.value, score.correct) == (0.0, False)


def test_words_and_numbers_match_whole() -> None:
    assert share("there are 12 apples\nA: 72", ("2",)) == 0
    assert share("there are 2 apples\nA: 72", ("2",)) == 1
    assert share("the catalogue\nA: 72", ("cat",)) == 0
    assert share("it is 2.5 or -2 or 2%\nA: 72", ("2",)) == 0
    assert share("1,000.0 grams\nA: 72", ("1000 grams",)) == 1


def test_steps_count_in_the_order_of_the_reference() -> None:
    assert share("48 + 24 = 72 since half of 48 is 24\nA: 72") == 0.5
    assert share("c a b\nA: 72", ("a", "b", "c")) == pytest.approx(2 / 3)


def test_the_answer_itself_is_no_step() -> None:
    assert share("A: 72", ("72",)) == 0
    assert share("\\boxed{72}", ("72",)) == 0
    assert share("<think>so 72</think><answer>72</answer>", ("72",)) == 1


def test_the_equation_of_a_worked_line_stands_for_the_line() -> None:
    line = "Natalia sold 48/2 = <<48/2=24>>24 clips in May."
    assert share("In May: 48 / 2 = $24\nA: 72".replace("$", ""), (line,)) == 1
    assert share("In May she sold 24.\nA: 72", (line,)) == 0


def test_only_step_bodies_are_read_where_there_are_steps() -> None:
    assert share(WELL_FORMED) == 1
    assert share(WELL_FORMED.replace("half of 48", "some").replace("clips", "half of 48")) == 0.5


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        (("", ""), True),
        (("Step 2", "Step 3"), False),
        (("Step 1", "Step 0"), False),
        (("### Step 2:", "### Step 1:"), False),
        (("### Rationales: add\n", ""), False),
        (("### Image Description: clips\n", ""), False),
        (("half of 48", ""), False),
        (("### The final answer is: 72", ""), False),
        (("### Step 2: 48 + 24 = 72\n### The final answer is: 72",
          "### The final answer is: 72\n### Step 2: 48 + 24 = 72"), False),
    ],
)  # fmt: skip
def test_validity_wants_every_section_once_and_in_order(
    change: tuple[str, str], valid: bool
) -> None:
    score = REWARDS["step_format"].grade(GOLD, WELL_FORMED.replace(*change))
    assert (score.value, score.correct) == (float(valid), valid)


@pytest.mark.parametrize(
    ("completion", "well_formed"),
    [
        ("<think>hm</think><answer>72</answer>", True),
        ("<think>hm</think>\n\\boxed{72}", True),
        ("\\boxed{72}", True),
        ("<answer>72</answer>\n", True),
        ("72", False),
        ("<answer>72</answer><answer>72</answer>", False),
        ("\\boxed{72} \\boxed{72}", False),
        ("<answer>\\boxed{72}</answer>", False),
        ("<answer>72</answer> or so", False),
        ("<answer>72</answer><think>hm</think>", False),
        ("<think></think><answer>72</answer>", False),
        ("<think><answer>72</answer></think>", False),
        ("<think>hm<answer>72</answer>", False),
        ("</think>hm<think><answer>72</answer>", False),
    ],
)
def test_form_is_one_answer_in_its_place(completion: str, well_formed: bool) -> None:
    score = REWARDS["format"].grade(GOLD, completion)
    assert (score.value, score.correct) == (float(well_formed), well_formed)


@pytest.mark.parametrize(
    ("completion", "value", "correct"),
    [
        (WELL_FORMED, 1.6, True),
        (WELL_FORMED.replace("is: 72", "is: 71"), 0.6, False),
        ("A: 72", 1.0, True),
        (f"{WORK}\nA: 71", 0.1, False),
        (WELL_FORMED.replace("Step 2", "Step 3"), 1.1, True),
    ],
)
def test_step_grpo_adds_accuracy_steps_and_form_with_right_above_wrong(
    completion: str, value: float, correct: bool
) -> None:
    score = grading_of("step-grpo", {}, Path()).grade(GOLD, completion)
    assert (score.value, score.correct) == (pytest.approx(value), correct)


@pytest.mark.timeout(10)
def test_long_work_is_matched_in_little_time() -> None:
    long = "48 + 24 = 72 and half of 48 " * 4000
    assert share(f"{long}\nA: 72", STEPS * 10) == 1
