"""Revisions of a corpus: what changed is superseded, what is gone is withdrawn, nothing is lost."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from extracts import word_problem, write_lines
from small_catalog import a_plan, tried

from pipelines.corpora.registry import CORPORA
from pipelines.curation.curate import curate
from pipelines.ingest import IngestSummary, ingest
from pipelines.workspace import Workspace


def problem(number: int, answer: int) -> dict[str, object]:
    return word_problem(f"{number} and some more?", f"It is {answer}.\n#### {answer}")


def brought(
    workspace: Workspace, root: Path, answers: Sequence[int | None], revision: str
) -> IngestSummary:
    """Ingest a corpus that gives these answers to its questions; None: the record is not there."""
    lines = [problem(i, answer) for i, answer in enumerate(answers) if answer is not None]
    data = root / "grade_school_math/data"
    write_lines(data / "train.jsonl", lines)
    (data / "test.jsonl").write_text("")
    return ingest(workspace, CORPORA["gsm8k"], root, revision=revision)


def ended(workspace: Workspace) -> list[tuple[str, str | None]]:
    rows = workspace.catalog.rows(
        "select s.answer->>'$.value' as answer, o.ended from sources o "
        "join samples s using (sample_id) order by all"
    )
    return [(row["answer"], row["ended"]) for row in rows]


def answers(workspace: Workspace) -> list[str]:
    rows = workspace.catalog.rows(
        "select answer->>'$.value' as answer from candidates order by answer"
    )
    return [row["answer"] for row in rows]


def test_a_changed_label_supersedes_the_old_one_and_is_no_conflict(
    workspace: Workspace, tmp_path: Path
) -> None:
    brought(workspace, tmp_path, [10, 11, 12], "r1")
    second = brought(workspace, tmp_path, [10, 21, 12], "r2")
    assert (second.new, second.superseded, second.withdrawn) == (1, 1, 0)
    assert answers(workspace) == ["10", "12", "21"]
    assert not workspace.catalog.rows("from conflicts")
    assert ("11", "superseded") in ended(workspace)


def test_a_dropped_record_is_withdrawn_and_stands_again_when_it_is_back(
    workspace: Workspace, tmp_path: Path
) -> None:
    brought(workspace, tmp_path, [10, 11, 12], "r1")
    second = brought(workspace, tmp_path, [10, 11, None], "r2")
    assert (second.new, second.superseded, second.withdrawn) == (0, 0, 1)
    assert answers(workspace) == ["10", "11"]
    third = brought(workspace, tmp_path, [10, 11, 12], "r3")
    assert (third.new, third.superseded, third.withdrawn) == (0, 0, 0)
    assert answers(workspace) == ["10", "11", "12"]
    assert all(how is None for _, how in ended(workspace))
    rows = workspace.catalog.rows("from revisions order by number")
    assert [(r["revision"], r["records"], r["withdrawn"]) for r in rows] == [
        ("r1", 3, 0),
        ("r2", 2, 1),
        ("r3", 3, 0),
    ]


def test_records_that_only_moved_are_neither_changed_nor_gone(
    workspace: Workspace, tmp_path: Path
) -> None:
    brought(workspace, tmp_path, [10, 11, 12, 13], "r1")
    second = brought(workspace, tmp_path, [None, 11, 12, 13], "r2")
    assert (second.new, second.superseded, second.withdrawn) == (0, 0, 1)
    assert answers(workspace) == ["11", "12", "13"]


def test_a_label_that_is_changed_back_supersedes_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    brought(workspace, tmp_path, [10, 11], "r1")
    brought(workspace, tmp_path, [10, 21], "r2")
    third = brought(workspace, tmp_path, [10, 11], "r3")
    assert (third.new, third.superseded, third.withdrawn) == (0, 1, 0)
    assert answers(workspace) == ["10", "11"]


def test_the_same_revision_again_does_nothing(workspace: Workspace, tmp_path: Path) -> None:
    brought(workspace, tmp_path, [10, 11], "r1")
    before = workspace.catalog.rows("from sources"), workspace.catalog.rows("from revisions")
    again = brought(workspace, tmp_path, [10, 11], "r1")
    assert (again.new, again.superseded, again.withdrawn) == (0, 0, 0)
    assert before == (
        workspace.catalog.rows("from sources"),
        workspace.catalog.rows("from revisions"),
    )


def test_views_of_what_ended_are_no_candidates_and_frozen_versions_keep_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    brought(workspace, tmp_path, [*range(10, 20)], "r1")
    every = workspace.catalog.rows("select sample_id from samples order by 1")
    tried(workspace, {row["sample_id"]: 4 for row in every})
    first = curate(workspace, a_plan())
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into samples by name select * replace ("
            "'a-view' as sample_id, 'of-a-view' as question_id, sample_id as parent_id, "
            "'[{}]'::json as history) from samples where answer->>'$.value' = '10'"
        )
    assert len(answers(workspace)) == 11
    brought(workspace, tmp_path, [None, *range(11, 20)], "r2")
    assert answers(workspace) == [str(i) for i in range(11, 20)]
    held = workspace.catalog.rows(
        "select * from dataset_samples where dataset = 'small' and version = 1"
    )
    assert len({row["sample_id"] for row in held}) == first.samples
    assert (workspace.datasets / "small" / "1" / "manifest.json").exists()


def test_a_revision_that_was_cut_short_ends_nothing_until_it_is_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    brought(workspace, tmp_path, [10, 11, 12], "r1")
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.ingest.settle", die)
        with pytest.raises(Killed):
            brought(workspace, tmp_path, [10, 21], "r2")
    assert {how for _, how in ended(workspace)} == {None}
    (known,) = workspace.catalog.rows("select revision, complete from corpora")
    assert known == {"revision": "r1", "complete": False}
    again = brought(workspace, tmp_path, [10, 21], "r2")
    assert (again.superseded, again.withdrawn) == (1, 1)
    assert answers(workspace) == ["10", "21"]


def test_a_sample_that_another_corpus_still_has_goes_on_standing(
    workspace: Workspace, tmp_path: Path
) -> None:
    brought(workspace, tmp_path, [10, 11], "r1")
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into sources by name select * replace ('other' as corpus) from sources"
        )
    brought(workspace, tmp_path, [10, None], "r2")
    assert answers(workspace) == ["10", "11"]
