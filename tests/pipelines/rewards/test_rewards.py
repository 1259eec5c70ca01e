"""What each reward accepts."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.record.sample import Answer, Reference
from pipelines.rewards import REWARDS, Score, grade, grade_all, reward, reward_for
from pipelines.rewards.latex import VERIFIERS, latex
from pipelines.rewards.registry import Reward
from pipelines.worker import Worker

COLOURS = ("red", "orange", "light orange", "4")

ACCEPTED = [
    (Answer.number(1080), ["1080", "1,080", "$1,080.00", "1,080.", "**1,080**", "1{,}080 dollars"]),
    (Answer.number(1080), ["3+5\n=1080", "#### 1,080", "A: 1080", "Answer: 1080 miles", "1.08e3"]),
    (
        Answer.number(1080),
        ["So 2 * 540 = 1080 apples.", "It is <<2*540=1080>>1080.", "\\boxed{1080}"],
    ),
    (
        Answer.number(1080),
        ["The answer is 1080.", "<answer> 1080 </answer>", "12\n**Answer:** 1080"],
    ),
    (Answer.number("0.5"), ["1/2", "0.5", ".5", "50%", "\\frac{1}{2}", "5/10"]),
    (Answer.number("2.5"), ["2 1/2", "5/2", "2.50"]),
    (Answer.number(25, unit="%"), ["25%", "25 %", "25", "25\\%"]),
    (Answer.number(-3), ["-3", "−3", "A: -3", "$-3$", "-$3"]),
    (Answer.number(2_000_000), ["2 million", "2,000,000", "2000 thousand"]),
    (Answer.number(7), ["seven", "Seven.", "7th", "7 km", "x = 7"]),
    (Answer.number("3.14", tolerance="0.01"), ["3.1415", "3.13", "3.15"]),
    (
        Answer.choice("B", COLOURS),
        ["B", "b", "(B)", "B.", "B) orange", "orange", "Orange.", "**B**"],
    ),
    (Answer.choice("B", COLOURS), ["The answer is B.", "So it must be (B).", "I choose option B"]),
    (Answer.choice("B", COLOURS), ["The missing colour is orange.", "\\boxed{\\text{B}}", "{B}"]),
    (Answer.choice("B", ["B", "A"]), ["B", "(B)", "B. A"]),
    (Answer.choice("A", ["C", "D"]), ["A", "C"]),
    (Answer.choice("D", COLOURS), ["4", "D", "(D) 4"]),
    (Answer.bool(True), ["yes", "Yes.", "TRUE", "True, there are four.", "The statement is true."]),
    (Answer.bool(False), ["no", "false", "It is not true.", "No, there is not one.", "=no"]),
    (
        Answer.text("Dark blue", variants=["navy"]),
        ["dark  BLUE.", "'dark blue'", "Navy", "A: navy"],
    ),
    (Answer.text("C#"), ["c#"]),
    (Answer.json([5, 6]), ["(5,6)", "5, 6", "rows={5} columns={6}", "5x6", "[5, 6]", "{5} {6}"]),
    (Answer.json([5, 6]), ["Rows: 5\nColumns: 6", "\\boxed{(5, 6)}", "5 rows and 6 columns"]),
    (Answer(kind="json", value=[5, 6], unit="rows, columns"), ["columns=6, rows=5", "(5,6)"]),
    (Answer.json({"a": [1, "x"]}), ['{ "a": [1, "x"] }', 'So:\n```json\n{"a":\n[1, "x"]}\n```']),
    (Answer(kind="math", value="x^2+1"), ["$1+x^2$", "\\boxed{x^2+1}", "So it is $x^2 + 1$."]),
    (Answer(kind="math", value="\\frac{1}{2}"), ["0.5", "1/2", "\\frac{2}{4}"]),
    (Answer.number(25, unit="%"), ["25 percent", "25 per cent", "\\boxed{25\\%}"]),
    (Answer.number("1.5"), ["150%", "1 1/2", "one and a half", "1½", "3/2", "\\frac32"]),
    (Answer.number(5, unit="km"), ["5", "5 km", "5 kilometres", "5000 m", "5\\,\\mathrm{km}"]),
    (Answer.number(5, unit="$"), ["$5", "5 dollars", "500 cents", "USD 5", "5.00"]),
    (Answer.number(90, unit="degrees"), ["90°", "90^\\circ", "90 degrees", "90"]),
    (Answer.number(105), ["one hundred and five", "One hundred five.", "a hundred and five"]),
    (Answer.number(36), ["3 dozen", "thirty-six eggs", "36 eggs", "thirty six (36)"]),
    (Answer.number(300), ["3 x 10^2", "3 \\times 10^{2}", "3e2", "three hundred"]),
    (Answer.number(200, tolerance="1%"), ["202", "198", "about 201"]),
    (Answer.choice("B", ("3.5", "4.0", "True")), ["4", "4.00", "four", "B"]),
    (Answer.choice("C", ("3.5", "4.0", "True")), ["true", "C) True"]),
    (Answer.json({"x": "0.5"}), ['{"x": 0.5}', '{"x": 0.50}']),
    (Answer.json({"x": 2}), ['{"x": 2.0}']),
    (
        Answer(kind="box", value=[10, 20, 30, 40]),
        ["[10, 20, 30, 40]", "(10, 20), (30, 40)", "<box>(10,20),(30,40)</box>", "10,20,30,40"],
    ),
    (
        Answer(kind="box", value=[10, 20, 30, 40]),
        [
            '```json\n{"bbox_2d": [10, 20, 30, 40], "label": "cat"}\n```',
            "x1=10, y1=20, x2=30, y2=40",
            '{"x2": 30, "y2": 40, "x1": 10, "y1": 20}',
            "[11, 21, 30, 40]",
        ],
    ),
    (
        Answer(kind="boxes", value=[[0, 0, 9, 9], [20, 0, 29, 9]]),
        ["[[20,0,29,9],[0,0,9,9]]", "(0,0,9,9) and (20,0,29,9)"],
    ),
    (Answer(kind="point", value=[10, 20, 30, 40]), ["(10, 20)", "x=15, y=39.5", '{"x":11,"y":21}']),
    (Answer(kind="point", value=[10, 20], tolerance="5"), ["(13, 24)", "10 20", "[10, 25]"]),
    (
        Answer(kind="set", value=["red", "dark blue"]),
        ["dark blue, red", '["Red", "dark blue"]', "{red, dark blue}", "red, red, dark blue"],
    ),
    (
        Answer(kind="set", value=["red", "dark blue"]),
        [
            "They are red and dark blue.",
            "- red\n- dark blue",
            "1. dark blue\n2. red",
            "red; dark blue",
        ],
    ),
    (
        Answer(kind="set", value=["A", "C"], options=COLOURS),
        ["A, C", "C and A", "red, light orange"],
    ),
    (
        Answer(kind="transcript", value="Seven, four!"),
        ["seven four", "<answer>Seven four.</answer>"],
    ),
]


@pytest.fixture
def own_name() -> Iterator[str]:
    yield "my-own"
    REWARDS.pop("my-own", None)


@pytest.mark.parametrize(("gold", "completions"), ACCEPTED, ids=lambda x: getattr(x, "kind", ""))
def test_a_right_answer_is_right_however_it_is_written(
    gold: Answer, completions: list[str]
) -> None:
    assert [given for given in completions if not grade(Reference(gold), given).correct] == []


def test_a_box_pays_for_what_it_shares() -> None:
    gold = Reference(Answer(kind="box", value=[0, 0, 10, 10]))
    half = grade(gold, "[0, 0, 10, 20]")
    assert (half.value, half.correct, half.components) == (0.5, False, {"iou": 0.5})
    assert grade(gold, "[0, 0, 10, 19]").correct is True


def test_boxes_are_paired_as_well_as_they_can_be() -> None:
    gold = Reference(Answer(kind="boxes", value=[[0, 0, 10, 10], [4, 0, 14, 10]]))
    # Nearest first would pair the second box with the first and leave the third without.
    assert grade(gold, "[[1, 0, 11, 10], [6, 0, 16, 10]]").correct is True
    some = grade(gold, "[[0, 0, 10, 10]]")
    assert (some.value, some.components) == (0.5, {"precision": 1.0, "recall": 0.5})


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (["a", "b"], "b, a", 1.0),
        (["a", "b"], "a, b, c", 2 / 3),
        (["a", "b", "c"], "a, b", 2 / 3),
        (["a"], "b", 0.0),
    ],
)
def test_sets_share_alike_both_ways(one: list[str], other: str, shared: float) -> None:
    assert grade(Reference(Answer(kind="set", value=one)), other).value == pytest.approx(shared)
    swapped = Reference(Answer(kind="set", value=other.split(", ")))
    assert grade(swapped, ", ".join(one)).value == pytest.approx(shared)


def test_a_reference_that_is_none_leaves_the_answer_unscored() -> None:
    for broken in (
        Answer(kind="box", value=[5, 5, 5, 9]),
        Answer(kind="boxes", value=[]),
        Answer(kind="set", value=[]),
        Answer(kind="point", value=[1]),
        Answer(kind="box", value="here"),
        Answer(kind="number", value="4", tolerance="a bit"),
    ):
        assert grade(Reference(broken), "[5, 5, 5, 9]").correct is None


def test_a_transcript_pays_for_the_share_of_right_words() -> None:
    score = grade(
        Reference(Answer(kind="transcript", value="one two three four")), "one two tree four"
    )
    assert (score.value, score.correct) == (0.75, False)
    assert score.components == {"word_error_rate": 0.25}


def test_a_wrong_answer_says_what_was_expected() -> None:
    assert grade(Reference(Answer.number(8)), "=9").reason == "expected '8', got '9'"


def test_an_answer_that_nothing_checks_is_unscored() -> None:
    smell = Answer(kind="smell", value="rose")  # type: ignore[arg-type]
    assert grade(Reference(smell), "rose").correct is None
    with pytest.raises(KeyError, match="smell"):
        reward_for("smell")


def test_an_expression_that_hangs_is_unscored_and_the_next_is_graded() -> None:
    gold = Answer(kind="math", value="x")
    grade(Reference(gold), "x")  # the worker is up
    begun = time.monotonic()
    score = latex(Reference(Answer(kind="math", value="5")), "9^{9^{9^{9}}}", seconds=0.5)
    assert score.correct is None
    assert time.monotonic() - begun < 3
    assert grade(Reference(gold), "x").correct is True


def test_an_interrupted_comparison_answers_no_later_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gold = Answer(kind="math", value="x")
    grade(Reference(gold), "x")
    assert VERIFIERS.idle == 1

    def interrupted(worker: object, deadline: float, seconds: float) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grade(Reference(gold), "x")
    assert VERIFIERS.idle == 0


def test_a_worker_that_died_is_replaced() -> None:
    gold = Answer(kind="math", value="x")
    grade(Reference(gold), "x")
    for worker in VERIFIERS._idle:
        worker._process.kill()
        worker._process.wait()
    assert grade(Reference(gold), "x").correct is True


def test_a_reward_that_raises_or_is_not_finite_leaves_it_unscored() -> None:
    def raises(reference: Reference, completion: str) -> Score:
        raise RuntimeError("no such thing")

    def infinite(reference: Reference, completion: str) -> Score:
        return Score(1.0, True, "", {"part": float("nan")})

    failed = Reward("bad", 1, raises).grade(Reference(Answer.number(1)), "1")
    assert (failed.correct, "no such thing" in failed.reason) == (None, True)
    assert Reward("bad", 1, infinite).grade(Reference(Answer.number(1)), "1").correct is None


def test_a_reward_is_named_by_its_version_and_parameters() -> None:
    def lenient(reference: Reference, completion: str, *, slack: float = 0.1) -> Score:
        return Score(1.0, True, "")

    def strict(reference: Reference, completion: str, *, slack: float = 0.0) -> Score:
        return Score(1.0, True, "")

    lenient.__module__ = strict.__module__ = "pipelines.rewards.made_up"
    one, other = Reward("r", 1, lenient), Reward("r", 1, strict)
    assert one.reward_id.startswith("r@1-")
    assert one.reward_id == Reward("r", 1, lenient).reward_id
    assert len({one.reward_id, other.reward_id, Reward("r", 2, lenient).reward_id}) == 3


def test_an_own_reward_is_named_by_its_source(tmp_path: Path, own_name: str) -> None:
    ids = set()
    for value in ("1.0", "0.5"):
        source = tmp_path / f"own_{value}.py"
        source.write_text(
            "from pipelines.rewards import Score\n"
            f"def own(reference, completion): return Score({value}, True, '')\n"
        )
        names = {"__name__": "own"}
        exec(compile(source.read_text(), str(source), "exec"), names)
        ids.add(Reward(own_name, 1, names["own"]).reward_id)  # type: ignore[arg-type]
    assert len(ids) == 2


def test_registering_does_nothing_else_and_a_name_is_taken_once(own_name: str) -> None:
    def own(reference: Reference, completion: str) -> Score:
        return Score(1.0, True, "mine")

    assert reward(own_name, version=1)(own) is own
    with pytest.raises(ValueError, match="'my-own' is defined twice"):
        reward(own_name, version=2)(own)


def test_a_batch_is_graded_in_order() -> None:
    scores = grade_all([(Reference(Answer.number(1)), "=1"), (Reference(Answer.bool(True)), "no")])
    assert [score.correct for score in scores] == [True, False]


@pytest.mark.corpora
@pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs the real corpora")
def test_the_number_reward_agrees_with_1600_graded_solutions() -> None:
    data = Path(os.environ["CURRICLE_TEST_CORPORA"]) / "gsm8k/grade_school_math/data"
    disagreements, graded = [], 0
    for line in (data / "example_model_solutions.jsonl").read_text().splitlines():
        record = json.loads(line)
        gold = Answer.number(record["ground_truth"].rpartition("A:")[2])
        for theirs in (value for value in record.values() if isinstance(value, dict)):
            graded += 1
            if grade(Reference(gold), theirs["solution"]).correct is not theirs["is_correct"]:
                disagreements.append((gold.value, theirs))
    assert (graded, disagreements) == (1600, [])
