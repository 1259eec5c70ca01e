"""Ingest: idempotent, hostile records counted, evidence once, order of ingests immaterial."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from extracts import blindtest, gsm8k, nlvr, puzzle, puzzlevqa, statement, wav, word_problem, write

from pipelines.clean.examine import Pass, examine
from pipelines.corpora.reading import Pending
from pipelines.corpora.registry import CORPORA
from pipelines.ingest import ingest
from pipelines.record.media import PARTIAL
from pipelines.record.sample import Sample
from pipelines.workspace import Workspace, WrongUse

COUNTED = ("samples", "sources", "rollouts", "grades", "media", "sample_media", "policies")


def counts(workspace: Workspace) -> dict[str, int]:
    return {
        table: workspace.catalog.rows(f"select count(*) as n from {table}")[0]["n"]
        for table in COUNTED
    }


def content(workspace: Workspace) -> list[dict[str, object]]:
    return workspace.catalog.rows(
        "select sample_id, question_id, parent_id, corpus, task, tags, answer from samples order by all"
    )


def test_the_same_corpus_twice_and_from_elsewhere_adds_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = blindtest(tmp_path / "one")
    assert ingest(workspace, CORPORA["blindtest"], first).evidence > 0
    before = counts(workspace)
    assert ingest(workspace, CORPORA["blindtest"], first).new == 0
    again = ingest(workspace, CORPORA["blindtest"], blindtest(tmp_path / "moved"))
    assert (again.new, again.evidence) == (0, 0)
    assert counts(workspace) == before


def test_the_order_of_ingests_changes_nothing(tmp_path: Path) -> None:
    roots = {
        "gsm8k": gsm8k(tmp_path / "g", train=[word_problem(f"{i} and 2?") for i in range(5)]),
        "nlvr": nlvr(tmp_path / "n", [statement()]),
        "puzzlevqa": puzzlevqa(tmp_path / "p", [puzzle()]),
    }
    forth, back = Workspace(tmp_path / "forth"), Workspace(tmp_path / "back")
    for name, root in roots.items():
        ingest(forth, CORPORA[name], root)
    for name, root in reversed(roots.items()):
        ingest(back, CORPORA[name], root)
    assert content(forth) == content(back)


def test_imported_outcomes_are_evidence_of_their_own_policies(
    workspace: Workspace, tmp_path: Path
) -> None:
    ingest(workspace, CORPORA["blindtest"], blindtest(tmp_path / "b"))
    rows = workspace.catalog.rows("select policy, n, reward_id from difficulty")
    assert rows
    assert {row["reward_id"] for row in rows} == {"blindtest-outcome@1"}
    assert all(row["policy"].startswith("blindtest/") for row in rows)


def test_media_are_kept_as_they_came(workspace: Workspace, tmp_path: Path) -> None:
    ingest(workspace, CORPORA["puzzlevqa"], puzzlevqa(tmp_path / "p", [puzzle()]))
    (row,) = workspace.catalog.rows("select media_id, bytes, width from media")
    (original,) = (tmp_path / "p").rglob("*.png")
    assert workspace.media.read(row["media_id"]) == original.read_bytes()
    assert row["bytes"] == original.stat().st_size
    assert row["width"] > 0


def test_a_clip_without_length_is_rejected_with_its_reason(
    workspace: Workspace, tmp_path: Path
) -> None:
    write(tmp_path / "f/recordings/3_theo_7.wav", wav())
    write(tmp_path / "f/recordings/4_theo_7.wav", wav(frames=0))
    write(tmp_path / "f/recordings/5_theo_7.wav", b"RIFF....")
    summary = ingest(workspace, CORPORA["fsdd"], tmp_path / "f")
    assert summary.new == 1
    rejects = workspace.catalog.rows("select source_ref, reason from rejects order by source_ref")
    assert [row["reason"] for row in rejects] == ["empty_audio", "undecodable_audio"]
    assert "4_theo_7.wav" in rejects[0]["source_ref"]


def test_a_reader_without_a_folder_is_told_to_name_one(workspace: Workspace) -> None:
    with pytest.raises(WrongUse, match="give its path"):
        ingest(workspace, CORPORA["nlvr"])


@pytest.mark.parametrize("name", ["digits", "beeps", "sums"])
def test_generated_corpora_come_in_twice_alike(workspace: Workspace, name: str) -> None:
    options = {"size": 12, "held_out": 6}
    first = ingest(workspace, CORPORA[name], options=options)
    assert first.new > 6
    assert ingest(workspace, CORPORA[name], options=options).new == 0
    splits = workspace.catalog.rows("select distinct split from sources order by split")
    assert [row["split"] for row in splits] == ["test", "train"]


def test_what_killed_writers_left_is_swept_away_once_nobody_can_be_writing_it(
    workspace: Workspace,
) -> None:
    workspace.media.root.mkdir(parents=True)
    old, young = (workspace.media.root / f"{PARTIAL}{name}" for name in ("old", "young"))
    for file in (old, young):
        file.write_bytes(b"half a pic")
    os.utime(old, (0, 0))
    ingest(workspace, CORPORA["sums"], options={"size": 4, "held_out": 2})
    assert young.exists()
    assert not old.exists()


def test_a_record_that_takes_too_much_memory_is_a_reject(workspace: Workspace) -> None:
    def greedy() -> Sample:
        raise MemoryError

    rows = examine(Pass("a", workspace.media.root), [Pending("greedy", "1", greedy)])
    (reject,) = rows.rejects.to_pylist()
    assert (reject["source_ref"], reject["reason"]) == ("1", "takes_too_much_memory")


def test_workers_import_neither_the_database_nor_pandas() -> None:
    code = (
        "import sys, pyarrow; from pipelines.clean.examine import examine_confined, Pass; "
        "from pathlib import Path; examine_confined(Pass('a', Path('nowhere')), []); "
        "print(sorted({'duckdb', 'pandas', 'pydantic', 'torch'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
