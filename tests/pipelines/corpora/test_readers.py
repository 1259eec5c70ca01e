"""Every reader on small extracts of our own making, whole and broken."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pipelines.corpora import blindtest, fsdd, gsm8k, nlvr, puzzlevqa
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
