"""Two graders over the same answers: counted, listed, and nothing written unless it is asked for."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from rollouts_of_others import Row, answer, evidence, lines, outcome
from scipy.stats import binomtest
from scripts import filled

from pipelines.record.sample import Answer
from pipelines.rewards import BY_KIND, REWARDS, Grading
from pipelines.rewards.own import reward_in_file
from pipelines.scoring.agreement import Agreement, Holes, wilson
from pipelines.scoring.audit import Audit, Disagreement, Side, audit
from pipelines.scoring.import_file import import_rollouts
from pipelines.workspace import Workspace, WrongUse

STORED = Side("stored", None)
TODAY = Side("answer", BY_KIND)
OWN = '''
import time
from pipelines.rewards import Score, reward


@reward("fragile", version=1)
def fragile(reference, completion):
    """Hang at `hang`, raise at `raise`, and call the rest right."""
    if "hang" in completion:
        time.sleep(60)
    if "raise" in completion:
        raise RuntimeError("so it does")
    return Score(1.0, True, "fine")
'''


def bring(workspace: Workspace, tmp_path: Path, rows: Sequence[Row]) -> None:
    import_rollouts(workspace, lines(tmp_path / "rollouts.jsonl", rows))


@pytest.fixture
def judged(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Answers to `0+1` with a judge's verdicts, of which two are mistaken and one is missing."""
    (key,) = filled(workspace, 1)
    told = {"=1": True, "=2": False, "=3": True, "=1.0": False, "=4": None}
    said = ({} if verdict is None else {"correct": verdict} for verdict in told.values())
    rows = [
        answer(key, text, reward=0.5, reward_name="judge", **one)
        for text, one in zip(told, said, strict=True)
    ]
    bring(workspace, tmp_path, [*rows, outcome(key, True)])
    return workspace


def test_verdicts_are_counted_crosswise(judged: Workspace) -> None:
    done = audit(judged.catalog, STORED, TODAY)
    assert done.answers == 5
    assert done.verdicts == {
        "right": {"right": 1, "wrong": 1, "unscored": 0},
        "wrong": {"right": 1, "wrong": 1, "unscored": 0},
        "unscored": {"right": 0, "wrong": 1, "unscored": 0},
    }
    assert (done.agreement, done.kappa, done.differing) == (0.5, 0.0, 3)


def test_disagreements_say_what_both_say_and_contradictions_come_first(judged: Workspace) -> None:
    done = audit(judged.catalog, STORED, TODAY)
    assert [(d.said, d.first, d.second) for d in done.disagreements][-1] == (
        "4",
        "unscored",
        "wrong",
    )
    (mistaken,) = [d for d in done.disagreements if d.said == "3"]
    assert (mistaken.gold, mistaken.policy) == ("1", "other/7b")
    assert (mistaken.first, mistaken.first_by) == ("right", "judge@1")
    assert (mistaken.second, mistaken.second_by) == ("wrong", REWARDS["number"].reward_id)
    assert mistaken.second_reason == "expected '1', got '3'"


def test_the_list_is_cut_and_the_count_is_not(judged: Workspace) -> None:
    found: list[Disagreement] = []
    done = audit(judged.catalog, STORED, TODAY, limit=1, on_disagreement=found.extend)
    assert (len(done.disagreements), done.differing, len(found)) == (1, 3, 3)


def test_it_reads_only(judged: Workspace) -> None:
    before = evidence(judged)
    audit(judged.catalog, STORED, Side("text", Grading(REWARDS["text"])))
    assert evidence(judged) == before


def test_what_is_kept_is_there_for_sql_once(judged: Workspace) -> None:
    text = Side("text", Grading(REWARDS["text"]))
    assert audit(judged.catalog, STORED, text, keep=True).kept == 5
    assert audit(judged.catalog, STORED, text, keep=True).kept == 0
    rows = judged.catalog.rows("select correct, reason from grades where reward_id like 'text@%'")
    assert sorted(row["correct"] for row in rows) == [False] * 4 + [True]
    assert all(row["reason"] for row in rows)


def test_stored_grades_are_not_kept_again(judged: Workspace) -> None:
    with pytest.raises(WrongUse, match="stored already"):
        audit(judged.catalog, TODAY, STORED, keep=True)


def test_a_reward_is_not_compared_with_what_it_said_itself(judged: Workspace) -> None:
    done = audit(judged.catalog, STORED, TODAY)
    assert {d.first_by for d in done.disagreements} == {"judge@1"}
    with pytest.raises(WrongUse, match="no stored answer"):
        audit(judged.catalog, STORED, TODAY, where="reward_id like 'number@%'")


def test_stored_grades_can_be_compared_with_each_other(judged: Workspace) -> None:
    theirs, ours = Side("theirs", None, "judge@*"), Side("ours", None, "number@*")
    done = audit(judged.catalog, theirs, ours)
    assert done.verdicts == audit(judged.catalog, STORED, TODAY).verdicts


def test_two_rewards_need_no_stored_grade(judged: Workspace) -> None:
    done = audit(judged.catalog, TODAY, Side("text", Grading(REWARDS["text"])))
    assert (done.answers, done.differing) == (5, 1)
    assert done.disagreements[0].said == "1.0"


def test_a_condition_chooses_the_answers(judged: Workspace) -> None:
    done = audit(judged.catalog, STORED, TODAY, where="policy = 'other/7b' and correct")
    assert done.answers == 2
    with pytest.raises(WrongUse, match="nonsense"):
        audit(judged.catalog, STORED, TODAY, where="nonsense = 1")
    with pytest.raises(WrongUse, match="no stored answer"):
        audit(judged.catalog, STORED, TODAY, where="corpus = 'elsewhere'")


@pytest.mark.slow
def test_a_grader_that_hangs_or_raises_leaves_the_answer_unscored(
    workspace: Workspace, tmp_path: Path
) -> None:
    (key,) = filled(workspace, 1)
    rows = [answer(key, text, correct=True) for text in ("=1", "hang", "raise", "=1 again")]
    bring(workspace, tmp_path, rows)
    (tmp_path / "own.py").write_text(OWN)
    fragile = Side("fragile", Grading(reward_in_file("fragile", tmp_path / "own.py", seconds=2.0)))
    done = audit(workspace.catalog, STORED, fragile, where="reward_id = 'imported@1'")
    assert done.verdicts["right"] == {"right": 2, "wrong": 0, "unscored": 2}
    reasons = " ".join(d.second_reason for d in done.disagreements)
    assert "so it does" in reasons
    assert done.agreement == 1.0


def test_batches_make_no_difference(judged: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = audit(judged.catalog, STORED, TODAY)
    monkeypatch.setattr("pipelines.scoring.audit.BATCH", 2)
    assert _told(audit(judged.catalog, STORED, TODAY)) == _told(whole)


def test_what_should_raise_doubts_is_counted_for_each(workspace: Workspace, tmp_path: Path) -> None:
    (key,) = filled(workspace, 1)
    texts = ["=1", " ", "\\boxed{1} or \\boxed{2}", "it is 142", "1"]
    bring(workspace, tmp_path, [answer(key, text, correct=True) for text in texts])
    done = audit(workspace.catalog, STORED, TODAY, where="reward_id = 'imported@1'")
    assert done.first_holes == Holes(right=5, empty=2, several_boxes=1, longer_than_gold=1)
    assert done.second_holes == Holes(right=2)


def test_kappa_is_agreement_beyond_chance() -> None:
    table = Agreement()
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10
    for pair in pairs + [(False, False)] * 15 + [(None, True)] * 7:
        table.add(*pair)
    assert (table.both, table.equal) == (50, 35)
    assert table.kappa == pytest.approx(0.4)  # Cohen's own example
    assert Agreement().kappa is None


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (7, 9), (1600, 1600), (1, 1000)])
def test_the_interval_is_wilsons(k: int, n: int) -> None:
    known = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((known.low, known.high), abs=1e-6)


@pytest.mark.parametrize(
    ("gold", "completion", "counted"),
    [
        (Answer.number(42), "42 apples", 1),
        (Answer.number(42), "= 42", 0),
        (Answer.text("cat"), "concatenate", 1),
        (Answer.bool(True), "Yes", 0),
        (Answer.json([5, 6]), "[5,6]", 0),
    ],
)
def test_longer_than_the_reference_is_what_holds_it_and_more(
    gold: Answer, completion: str, counted: int
) -> None:
    holes = Holes()
    holes.add(gold, completion)
    assert holes.longer_than_gold == counted


def _told(done: Audit) -> tuple[object, ...]:
    return done.answers, done.verdicts, done.kappa, done.first_holes, done.disagreements
