"""Every reader on small extracts of our own making, whole and broken."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from pipelines.corpora import (
    aqua,
    blindtest,
    fsdd,
    gsm8k,
    guipilot,
    mathvision,
    nlvr,
    puzzlevqa,
    screenagent,
)
from pipelines.corpora.reading import CorpusError, made
from pipelines.corpora.registry import CORPORA
from pipelines.record.evidence import ImportedRollout
from pipelines.record.sample import Answer, Sample
from pipelines.record.steps import Record, Reject
from tests.pipelines.corpora import extracts

READ = [name for name, corpus in CORPORA.items() if not corpus.generated]


def samples(records: Iterable[Record]) -> list[Sample]:
    return [record for record in records if isinstance(record, Sample)]


def reasons(records: Iterable[object]) -> list[str]:
    return [record.reason for record in records if isinstance(record, Reject)]


@pytest.mark.parametrize("name", READ)
def test_a_missing_folder_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere"):
        next(CORPORA[name].read(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", READ)
def test_a_folder_without_the_corpus_says_what_it_should_hold(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"holds no .*\*?\.(jsonl?|wav|png)"):
        next(CORPORA[name].read(tmp_path))


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_says_what_it_is(name: str) -> None:
    corpus = CORPORA[name]
    assert corpus.title
    assert corpus.licence
    assert corpus.generated or corpus.homepage.startswith("https://")


def test_gsm8k_keeps_the_worked_lines_as_steps(tmp_path: Path) -> None:
    worked = "She has 2+2=<<2+2=4>>4.\nThen 4*300=<<4*300=1200>>1200.\n#### 1,200"
    root = extracts.gsm8k(tmp_path, train=[extracts.word_problem("How many?", worked)])
    (sample,) = made(gsm8k.read(root))
    assert isinstance(sample, Sample)
    assert sample.answer == Answer.number(1200)
    assert sample.steps == ("She has 2+2=4.", "Then 4*300=1200.")
    assert sample.source_ref == "grade_school_math/data/train.jsonl:1"


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("10 of 40 seeds are red. What percentage of the seeds is red?", "%"),
        ("What is the chance that it rains, expressed as a percentage?", "%"),
        ("If he gets faster by forty percent, how many yards will he run?", ""),
        ("What percentage is red? How many are blue?", ""),
    ],
)
def test_gsm8k_knows_which_answers_are_percentages(
    tmp_path: Path, question: str, unit: str
) -> None:
    root = extracts.gsm8k(tmp_path, train=[extracts.word_problem(question)])
    (sample,) = samples(made(gsm8k.read(root)))
    assert sample.answer == Answer.number(4, unit=unit)


def test_gsm8k_reads_the_same_from_its_inner_folder(tmp_path: Path) -> None:
    problems = [extracts.word_problem(f"How many {i}?") for i in range(3)]
    root = extracts.gsm8k(tmp_path, train=problems[:2], test=problems[2:])
    assert list(made(gsm8k.read(root))) == list(made(gsm8k.read(root / gsm8k.DATA)))
    assert [sample.split for sample in samples(made(gsm8k.read(root)))] == [
        "train",
        "train",
        "test",
    ]


def test_a_bad_line_is_rejected_and_reading_goes_on(tmp_path: Path) -> None:
    bad = {
        b'{"question": "cut o': "not_json",
        b"[1, 2]": "not_an_object",
        b'{"question": "caf\xe9"}': "not_utf8",
        b'{"question": "\\ud800", "answer": "#### 1"}': "not_utf8",
        b'{"question": "a\\u0000b", "answer": "#### 1"}': "bad_question",
        b'{"question": " ", "answer": "#### 1"}': "no_question",
        b'{"question": 7, "answer": "#### 1"}': "bad_question",
        b'{"question": "How many?"}': "no_answer",
        b'{"question": "How many?", "answer": "four"}': "no_answer",
        b'{"question": "How many?", "answer": "#### "}': "no_answer",
        b'{"question": "How many?", "answer": "#### many"}': "bad_answer",
        b'{"question": "How many?", "answer": "#### NaN"}': "bad_answer",
        b"[" * 100_000: "not_json",
    }
    root = extracts.gsm8k(tmp_path, train=[*bad, extracts.word_problem("How many?")])
    records = list(made(gsm8k.read(root)))
    assert reasons(records) == list(bad.values())
    assert isinstance(records[-1], Sample)
    assert records[0] == Reject(
        "gsm8k",
        f"{gsm8k.DATA}/train.jsonl:1",
        "read",
        "not_json",
        getattr(records[0], "detail", ""),
    )


def test_gsm8k_joins_published_solutions_to_their_questions(tmp_path: Path) -> None:
    root = extracts.gsm8k(tmp_path, train=[], test=[extracts.word_problem("How many?")])
    solved = {"is_correct": True, "solution": "A: 4"}
    graded = {"question": "How many?", "ground_truth": "2+2\nA: 4", "6b_finetuning": solved}
    other = graded | {"question": "How much?"}
    doubtful = graded | {"ground_truth": "A: 5"}
    extracts.write_lines(root / gsm8k.DATA / gsm8k.SOLUTIONS, [graded, other, doubtful])
    rollout, *rest = gsm8k.evidence(root)
    assert isinstance(rollout, ImportedRollout)
    assert rollout.sample == samples(made(gsm8k.read(root)))[0]
    assert (rollout.policy, rollout.completion) == ("gsm8k/6b_finetuning", "A: 4")
    assert (rollout.correct, rollout.reward) == (True, "gsm8k-is-correct@1")
    assert reasons(rest) == ["unknown_question", "other_answer"]


def test_fsdd_tells_digit_and_split_by_the_name(tmp_path: Path) -> None:
    for name in ("3_theo_4.wav", "7_theo_5.wav"):
        extracts.write(tmp_path / "recordings" / name, extracts.wav())
    extracts.write(tmp_path / "recordings/noise.wav", extracts.wav())
    extracts.write(tmp_path / "recordings/9_theo_9.wav", b"")
    records = list(made(fsdd.read(tmp_path)))
    assert [(s.answer.value, s.split) for s in samples(records)] == [("3", "test"), ("7", "train")]
    assert reasons(records) == ["empty_file", "no_answer"]


def test_nlvr_makes_one_family_of_the_six_pictures(tmp_path: Path) -> None:
    family = samples(made(nlvr.read(extracts.nlvr(tmp_path, [extracts.statement()]))))
    assert [sample.parent for sample in family] == [None, *[family[0].sample_id] * 5]
    assert [sample.history for sample in family] == [()] * 6
    assert {sample.answer.value for sample in family} == {True}
    assert {sample.split for sample in family} == {"validation"}


def test_nlvr_takes_equal_pictures_for_one_sample(tmp_path: Path) -> None:
    root = extracts.nlvr(tmp_path, [extracts.statement()], shades=[1, 2, 1, 2, 3, 3])
    family = samples(made(nlvr.read(root)))
    assert len(family) == 6
    assert len({sample.sample_id for sample in family}) == 3
    assert all(sample.parent != sample.sample_id for sample in family)


def test_nlvr_goes_on_where_a_picture_or_a_label_is_missing(tmp_path: Path) -> None:
    records = [extracts.statement(), extracts.statement("maybe", "2-0"), b"{"]
    root = extracts.nlvr(tmp_path, records)
    (root / "nlvr/dev/images/0/dev-1-0-0.png").unlink()
    read = list(made(nlvr.read(root)))
    family = samples(read)
    assert [sample.parent for sample in family] == [None, *[family[0].sample_id] * 4]
    assert reasons(read) == ["missing_file", *["bad_answer"] * 6, "not_json"]


def test_puzzlevqa_finds_the_letter_whatever_the_json_types(tmp_path: Path) -> None:
    records = [
        extracts.puzzle(),
        extracts.puzzle(options=["6", "3"], answer=3),
        extracts.puzzle(options=["red", "blue"], answer="blue"),
    ]
    read = samples(made(puzzlevqa.read(extracts.puzzlevqa(tmp_path, records))))
    assert [sample.answer.value for sample in read] == ["B", "B", "B"]
    assert read[0].question == "What is missing?\n(A) 6\n(B) 3"
    assert read[0].task == "puzzlevqa/color_number"
    assert read[0].tags == ("math_diagram", "colour", "ocr")


def test_puzzlevqa_rejects_what_has_no_letter_or_no_picture(tmp_path: Path) -> None:
    bad = {
        "no_answer": extracts.puzzle(answer=None),
        "bad_answer": extracts.puzzle(answer="9"),
        "bad_options": extracts.puzzle(options=["3", 3]),
        "missing_file": extracts.puzzle(image="images/none.png"),
        "outside_corpus": extracts.puzzle(image="../../../secret.png"),
        "no_question": extracts.puzzle(question=None),
    }
    read = made(puzzlevqa.read(extracts.puzzlevqa(tmp_path, list(bad.values()))))
    assert reasons(read) == list(bad)


def test_a_link_out_of_the_corpus_is_not_followed(tmp_path: Path) -> None:
    root = extracts.puzzlevqa(tmp_path / "corpus", [extracts.puzzle(image="images/link.png")])
    secret = extracts.write(tmp_path / "secret.png", extracts.png())
    (root / "data/images/link.png").symlink_to(secret)
    assert reasons(made(puzzlevqa.read(root))) == ["outside_corpus"]


def test_blindtest_takes_copies_for_further_sources_of_one_sample(tmp_path: Path) -> None:
    read = samples(made(blindtest.read(extracts.blindtest(tmp_path))))
    assert len(read) == len({sample.source_ref for sample in read}) == 4
    answers = {sample.sample_id: (sample.task, sample.answer.value) for sample in read}
    assert sorted(answers.values(), key=str) == [
        ("blindtest/nested-squares", "4"),
        ("blindtest/rows-columns", [5, 6]),
    ]


def test_blindtest_reads_outcomes_from_the_folders(tmp_path: Path) -> None:
    root = extracts.blindtest(tmp_path)
    stray = "NestedSquares/images/count-prompt/gpt-4o/correct/unnamed.png"
    extracts.write(root / "src" / stray, extracts.png())
    outcomes = list(blindtest.evidence(root))
    assert {
        (o.policy, o.template, o.correct) for o in outcomes if isinstance(o, ImportedRollout)
    } == {
        ("blindtest/sonnet-3", "Count squares.", True),
        ("blindtest/gpt-4o", "How many?", False),
        ("blindtest/gemini-1.5-pro", "Count them.", True),
        ("blindtest/sonnet-3", "A pair, please.", False),
    }
    assert reasons(outcomes) == ["no_answer"]


def test_aqua_takes_lines_of_the_rationale_that_give_nothing_away(tmp_path: Path) -> None:
    spoilt = "2 + 3 = 5, which is option B\nSo it is 5\nANSWER:B"
    records = [extracts.with_options(), extracts.with_options(rationale=spoilt)]
    extracts.write_lines(tmp_path / "dev.json", records)
    clean, bare = samples(made(aqua.read(tmp_path)))
    assert clean.answer == Answer.choice("B", ["4", "5", "6", "7", "8"])
    assert clean.steps == ("2 + 3 = 4 + 1", "4 + 1 = 5")
    assert bare.steps == ()
    assert (clean.split, clean.source_ref) == ("validation", "dev.json:1")


def test_aqua_rejects_what_has_no_one_right_letter(tmp_path: Path) -> None:
    bad = {
        "bad_answer": extracts.with_options(correct="F"),
        "no_correct": extracts.with_options(correct=""),
        "bad_options": extracts.with_options(options=["A)5", "B)5", "C)6"]),
    }
    fine = extracts.with_options(options=["A)4", "B)5", "C)4"])
    extracts.write_lines(tmp_path / "dev.json", [*bad.values(), fine])
    records = list(made(aqua.read(tmp_path)))
    assert reasons(records) == list(bad)
    assert len(samples(records)) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Answer.number(3)),
        ({"answer": "11 "}, Answer.number(11)),
        ({"answer": "$\\boxed{\\frac{16}{7}}$"}, Answer(kind="math", value="\\frac{16}{7}")),
        ({"answer": "\frac{36}{13}"}, Answer(kind="math", value="\\frac{36}{13}")),
        ({"answer": "C"}, Answer.text("C")),
        ({"options": ["2 cm", "3 cm"], "answer": "B"}, Answer.choice("B", ["2 cm", "3 cm"])),
        ({"options": ["<image1>", "<image2>"], "answer": "A"}, Answer.choice("A", ["A", "B"])),
        ({"options": ["(A)", "(B)"], "answer": "B"}, Answer.choice("B", ["A", "B"])),
    ],
)
def test_mathvision_types_its_answers(
    changes: dict[str, object], expected: Answer, tmp_path: Path
) -> None:
    root = extracts.mathvision(tmp_path, [extracts.figure(**changes)])
    (sample,) = samples(made(mathvision.read(root)))
    assert sample.answer == expected
    assert (sample.task, sample.split) == ("mathvision/metric-geometry-length/level-2", "test")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How long?\n<image1>\nRound.", ["How long?", "", "Round."]),
        ("<image1>\nIs <image2> longer?", ["", "Is\nlonger?"]),
        ("How long?", ["", "How long?"]),
    ],
)
def test_mathvision_puts_the_picture_where_it_stood(
    question: str, expected: list[str], tmp_path: Path
) -> None:
    root = extracts.mathvision(tmp_path, [extracts.figure(question=question)])
    (sample,) = samples(made(mathvision.read(root)))
    assert [block.text for block in sample.prompt[0].content] == expected


def test_guipilot_asks_for_each_kind_of_widget(tmp_path: Path) -> None:
    texts, picture = samples(made(guipilot.read(extracts.screen(tmp_path))))
    assert texts.answer == Answer(kind="boxes", value=[[0, 0, 3, 1], [0, 6, 3, 7]])
    assert picture.answer == Answer(kind="box", value=[4, 4, 8, "6.5"])
    assert picture.source_ref == "datasets/new/App/1.json#imageview"
    assert picture.tags == ("gui", "grounding")


@pytest.mark.parametrize(
    ("shapes", "reason"),
    [
        ([], "no_shapes"),
        ("all", "bad_shapes"),
        ([{"label": "x", "points": [[1, 2, 3]]}], "bad_shapes"),
        ([{"label": "x", "points": [["a", 2], [3, 4]]}], "bad_shapes"),
        ([{"points": [[1, 2], [3, 4]]}], "no_label"),
    ],
)
def test_guipilot_rejects_shapes_that_are_none(
    shapes: Sequence[object], reason: str, tmp_path: Path
) -> None:
    assert reasons(made(guipilot.read(extracts.screen(tmp_path, shapes)))) == [reason]


def test_screenagent_asks_for_clicks_as_points_and_the_rest_as_json(tmp_path: Path) -> None:
    key = {"action_type": "KeyboardAction", "keyboard_action_type": "text", "keyboard_text": "a"}
    steps: dict[str, Sequence[object]] = {
        "1_translate.json": [extracts.click(3, 4, "right")],
        "2_translate.json": [key, extracts.click(5, 6)],
        "2_translate_neg_eval.json": [key],
        "3_translate.json": [{"action_type": "PlanAction", "element": "Open it"}],
        "4_translate.json": [{"action_type": "EvaluateSubTaskAction", "situation": "need_retry",
                              "advice": "as you like"}],
        "5_translate.json": [],
    }  # fmt: skip
    records = list(made(screenagent.read(extracts.session(tmp_path, steps))))
    where, typed, judged = samples(records)
    assert where.answer == Answer(kind="point", value=[3, 4], tolerance=screenagent.REACH)
    assert "right mouse button" in where.question
    assert typed.answer == Answer.json([key, extracts.click(5, 6)])
    assert judged.answer.value == [
        {"action_type": "EvaluateSubTaskAction", "situation": "need_retry"}
    ]
    assert [sample.parent for sample in (where, typed, judged)] == [None, *[where.sample_id] * 2]
    assert reasons(records) == ["negative_example", "open_answer", "no_answer"]


@pytest.mark.parametrize(
    "make",
    [
        lambda root: extracts.gsm8k(root, train=[extracts.word_problem("How many?")]),
        lambda root: extracts.nlvr(root, [extracts.statement()]),
        lambda root: extracts.puzzlevqa(root, [extracts.puzzle()]),
        extracts.blindtest,
    ],
    ids=["gsm8k", "nlvr", "puzzlevqa", "blindtest"],
)
def test_reading_elsewhere_gives_the_same_samples(
    make: Callable[[Path], Path], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    read = CORPORA[request.node.callspec.id].read
    one, other = (samples(made(read(make(tmp_path / place)))) for place in ("one", "an other é"))
    assert one
    assert [(s.sample_id, s.source_ref) for s in one] == [
        (s.sample_id, s.source_ref) for s in other
    ]
