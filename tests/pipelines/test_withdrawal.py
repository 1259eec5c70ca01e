"""Withdrawal: all that a sample left behind goes, and what cannot be taken back is named."""

import json
from pathlib import Path

import pytest
from extracts import gsm8k, word_problem, write_lines
from small_catalog import a_plan, add, picture_question, sum_question, tried

from pipelines.corpora.registry import CORPORA
from pipelines.curation.curate import curate
from pipelines.ingest import ingest
from pipelines.record.sample import ask
from pipelines.withdrawal import NOTE, finish, samples_of_corpus, withdraw
from pipelines.workspace import Workspace, WrongUse

SECRET = "Eulalia Vandersnoot of 12 Quince Lane owes 40 and 2, how many?"


def ids(workspace: Workspace, query: str) -> list[str]:
    return [next(iter(row.values())) for row in workspace.catalog.rows(query)]


def holds(workspace: Workspace, text: str) -> list[str]:
    """Names of the files of a workspace, datasets apart, with this text among their bytes."""
    files = (path for path in workspace.root.rglob("*") if path.is_file())
    return sorted(
        path.name
        for path in files
        if "datasets" not in path.parts and text.encode() in path.read_bytes()
    )


def test_nothing_of_a_withdrawn_sample_is_left_in_the_catalog_or_its_snapshot(
    workspace: Workspace, tmp_path: Path
) -> None:
    problems = [word_problem(f"{i} and 2 and {'more ' * i}?") for i in range(40)]
    root = gsm8k(tmp_path / "g", train=[*problems, word_problem(SECRET)])
    ingest(workspace, CORPORA["gsm8k"], root)
    (secret,) = ids(workspace, "select sample_id from samples where question like 'Eulalia%'")
    tried(workspace, {secret: 3})
    with workspace.catalog.write() as connection:
        connection.execute(
            "update rollouts set completion = 'Eulalia Vandersnoot owes 42'; "
            "insert into rejects select corpus, source_ref, 'screen', 'odd', 'Eulalia Vandersnoot', "
            "ingested_at from sources where sample_id = ?",
            [secret],
        )
    workspace.catalog.snapshot()
    assert "catalog.duckdb" in holds(workspace, "Eulalia Vandersnoot")
    gone = withdraw(workspace, [secret], reason="privacy")
    assert (gone.samples, gone.rollouts) == (1, 8)
    assert holds(workspace, "Eulalia Vandersnoot") == []
    assert workspace.catalog.snapshot_path.exists()
    assert len(ids(workspace, "select sample_id from candidates")) == 40
    for table in ("rollouts", "grades", "rejects"):
        assert not workspace.catalog.rows(f"from {table}")


def test_what_was_compared_goes_and_families_hold_together(workspace: Workspace) -> None:
    going, near, far = (picture_question(number) for number in (1, 2, 3))
    add(workspace, [going, near, far])
    with workspace.catalog.write() as connection:
        for one in (going, near, far):
            connection.execute(
                "insert into joined_families values (?, ?)", [one.sample_id, going.sample_id]
            )
            connection.execute(
                "insert into compared_pictures values (?, ?, 0, 1.0)",
                [going.media[0].media_id, one.media[0].media_id],
            )
    withdraw(workspace, [going.sample_id], reason="licence")
    assert not workspace.catalog.rows("from compared_pictures")
    joined = ids(workspace, "select family_id from joined_families")
    assert set(joined) == {near.sample_id, far.sample_id}
    assert len(set(ids(workspace, "select distinct family_id from families"))) == 1


def test_the_same_question_is_refused_when_it_comes_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    root = gsm8k(tmp_path / "g", train=[word_problem("1 and 2?"), word_problem(SECRET)])
    ingest(workspace, CORPORA["gsm8k"], root)
    chosen = samples_of_corpus(workspace.catalog, "gsm8k", "*train.jsonl:2")
    withdraw(workspace, chosen, reason="privacy")
    again = ingest(workspace, CORPORA["gsm8k"], root)
    assert again.rejected == {"screen: withdrawn": 1}
    (stone,) = workspace.catalog.rows("from withdrawals")
    assert (stone["corpus"], stone["reason"]) == ("gsm8k", "privacy")
    assert stone["source_ref"].endswith("train.jsonl:2")
    assert not holds(workspace, "Eulalia")
    other = write_lines(
        tmp_path / "h/grade_school_math/data/train.jsonl",
        [word_problem(SECRET, "4+2=<<4+2=6>>6\n#### 6"), word_problem("7 and 2?")],
    )
    (other.parent / "test.jsonl").write_text("")
    assert ingest(workspace, CORPORA["gsm8k"], tmp_path / "h").new == 1


def test_views_go_with_their_sample_and_media_only_when_nobody_else_shows_them(
    workspace: Workspace,
) -> None:
    sole, shared = picture_question(1), picture_question(2)
    again = picture_question(
        2, prompt=ask("How green is it?", *shared.media), source_ref="train/again"
    )
    view = picture_question(
        1,
        parent=sole.sample_id,
        history=({"transform": "flip", "params": {}},),
        recipe="flipped",
    )
    add(workspace, [sole, shared, again, view])
    gone = withdraw(workspace, [sole.sample_id, shared.sample_id], reason="licence")
    assert (gone.samples, gone.views, gone.media) == (2, 1, 1)
    assert not workspace.media.path(sole.media[0].media_id).exists()
    assert workspace.media.read(shared.media[0].media_id)
    assert ids(workspace, "select sample_id from samples") == [again.sample_id]


def test_the_versions_that_hold_it_are_named_and_stay_as_they_are(workspace: Workspace) -> None:
    samples = [sum_question(i) for i in range(12)]
    add(workspace, samples)
    tried(workspace, {sample.sample_id: 4 for sample in samples})
    first = curate(workspace, a_plan())
    manifest = (workspace.datasets / "small" / "1" / "manifest.json").read_bytes()
    held = ids(workspace, "select sample_id from dataset_samples where dataset = 'small'")
    gone = withdraw(workspace, held[:1], reason="licence")
    assert [version.label for version in gone.datasets][:1] == [first.label]
    (stone,) = workspace.catalog.rows("from withdrawals")
    assert first.label in stone["datasets"]
    assert (workspace.datasets / "small" / "1" / "manifest.json").read_bytes() == manifest
    second = curate(workspace, a_plan())
    assert second.label == "small@2"
    assert held[0] not in ids(
        workspace, "select sample_id from dataset_samples where dataset = 'small' and version = 2"
    )


def test_a_dry_run_says_the_same_and_removes_nothing(workspace: Workspace) -> None:
    samples = [picture_question(i) for i in range(3)]
    add(workspace, samples)
    wanted = [samples[0].sample_id]
    said = withdraw(workspace, wanted, reason="licence", dry_run=True)
    assert len(ids(workspace, "select sample_id from samples")) == 3
    assert withdraw(workspace, wanted, reason="licence") == said


@pytest.mark.parametrize("killed_at", ["commit", "media", "compact", "snapshot"])
def test_a_withdrawal_that_was_cut_short_is_finished_by_the_next(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    secret = picture_question(1, prompt=ask("Vandersnoot's red?", picture_question(1).media[0]))
    add(workspace, [secret, picture_question(2)])
    with monkeypatch.context() as patched:
        where = {
            "commit": ("pipelines.withdrawal.finish", die),
            "media": ("pipelines.record.media.MediaStore.path", die),
            "compact": ("pipelines.catalog.catalog.Catalog.compact", die),
            "snapshot": ("pipelines.catalog.catalog.Catalog.snapshot", die),
        }[killed_at]
        patched.setattr(*where)
        with pytest.raises(Killed):
            withdraw(workspace, [secret.sample_id], reason="privacy")
    assert list(workspace.root.glob(f"{NOTE}*"))
    done = withdraw(workspace, [secret.sample_id], reason="privacy")
    assert (done.samples, done.finished) == (0, 1)
    assert not workspace.media.path(secret.media[0].media_id).exists()
    assert holds(workspace, "Vandersnoot") == []
    assert not list(workspace.root.glob(f"{NOTE}*"))
    assert len(ids(workspace, "select sample_id from samples")) == 1


def test_a_note_whose_withdrawal_was_never_committed_removes_no_file(workspace: Workspace) -> None:
    sample = picture_question(1)
    add(workspace, [sample])
    note = workspace.root / f"{NOTE}x"
    note.write_text(json.dumps([sample.media[0].media_id]))
    (workspace.root / f"{NOTE}y").write_text('["cut sho')
    assert finish(workspace) == 2
    assert workspace.media.read(sample.media[0].media_id)


def test_what_cannot_be_withdrawn_is_said_in_one_sentence(workspace: Workspace) -> None:
    add(workspace, [sum_question(1)])
    with pytest.raises(WrongUse, match="none of these samples"):
        withdraw(workspace, ["no-such-id"], reason="licence")
    with pytest.raises(WrongUse, match="--reason"):
        withdraw(workspace, ["no-such-id"], reason=" ")
    with pytest.raises(WrongUse, match="no sample came from 'x\\*' of corpus 'sums'"):
        samples_of_corpus(workspace.catalog, "sums", "x*")
