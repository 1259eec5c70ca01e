"""What each reward accepts."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.record.sample import Answer
from pipelines.rewards import REWARDS, Score, grade, grade_all, reward, reward_for
from pipelines.rewards.latex import VERIFIER, latex
from pipelines.rewards.registry import Reward

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
    assert [given for given in completions if not grade(gold, given).correct] == []


def test_a_transcript_pays_for_the_share_of_right_words() -> None:
    score = grade(Answer(kind="transcript", value="one two three four"), "one two tree four")
    assert (score.value, score.correct) == (0.75, False)
    assert score.components == {"word_error_rate": 0.25}


def test_a_wrong_answer_says_what_was_expected() -> None:
    assert grade(Answer.number(8), "=9").reason == "expected '8', got '9'"


def test_an_answer_that_nothing_checks_is_unscored() -> None:
    box = Answer(kind="box", value=[0, 0, 1, 1])
    assert grade(box, "[0, 0, 1, 1]").correct is None
    with pytest.raises(KeyError, match="box"):
        reward_for(box)


def test_an_expression_that_hangs_is_unscored_and_the_next_is_graded() -> None:
    gold = Answer(kind="math", value="x")
    grade(gold, "x")  # the worker is up
    begun = time.monotonic()
    score = latex(Answer(kind="math", value="5"), "9^{9^{9^{9}}}", seconds=0.5)
    assert score.correct is None
    assert time.monotonic() - begun < 3
    assert grade(gold, "x").correct is True


def test_an_interrupted_comparison_answers_no_later_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gold = Answer(kind="math", value="x")
    grade(gold, "x")
    ask = VERIFIER._ask

    def interrupted(worker: object, question: object, seconds: float) -> object:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(VERIFIER, "_ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grade(gold, "x")
    assert ask == VERIFIER._ask
    assert VERIFIER._worker is None


def test_a_worker_that_died_is_replaced() -> None:
    gold = Answer(kind="math", value="x")
    grade(gold, "x")
    assert VERIFIER._worker is not None
    VERIFIER._worker.kill()
    VERIFIER._worker.wait()
    assert grade(gold, "x").correct is True


def test_a_reward_that_raises_or_is_not_finite_leaves_it_unscored() -> None:
    def raises(answer: Answer, completion: str) -> Score:
        raise RuntimeError("no such thing")

    def infinite(answer: Answer, completion: str) -> Score:
        return Score(1.0, True, "", {"part": float("nan")})

    failed = Reward("bad", 1, raises).grade(Answer.number(1), "1")
    assert (failed.correct, "no such thing" in failed.reason) == (None, True)
    assert Reward("bad", 1, infinite).grade(Answer.number(1), "1").correct is None


def test_a_reward_is_named_by_its_version_and_parameters() -> None:
    def lenient(answer: Answer, completion: str, *, slack: float = 0.1) -> Score:
        return Score(1.0, True, "")

    def strict(answer: Answer, completion: str, *, slack: float = 0.0) -> Score:
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
            f"def own(answer, completion): return Score({value}, True, '')\n"
        )
        names = {"__name__": "own"}
        exec(compile(source.read_text(), str(source), "exec"), names)
        ids.add(Reward(own_name, 1, names["own"]).reward_id)  # type: ignore[arg-type]
    assert len(ids) == 2


def test_registering_does_nothing_else_and_a_name_is_taken_once(own_name: str) -> None:
    def own(answer: Answer, completion: str) -> Score:
        return Score(1.0, True, "mine")

    assert reward(own_name, version=1)(own) is own
    with pytest.raises(ValueError, match="'my-own' is defined twice"):
        reward(own_name, version=2)(own)


def test_a_batch_is_graded_in_order() -> None:
    scores = grade_all([(Answer.number(1), "=1"), (Answer.bool(True), "no")])
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
            if grade(gold, theirs["solution"]).correct is not theirs["is_correct"]:
                disagreements.append((gold.value, theirs))
    assert (graded, disagreements) == (1600, [])
