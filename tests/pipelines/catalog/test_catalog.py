"""The catalog: bursts, migrations, the guarded door, and samples in and out."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from scipy.stats import beta

from pipelines.catalog import Catalog, CatalogError, migrations
from pipelines.catalog.guarded import BadQuery, guarded
from pipelines.catalog.samples import add_rejects, add_samples, load_samples
from pipelines.record.media import Media, MediaFacts
from pipelines.record.sample import Answer, Sample, ask
from pipelines.record.steps import Reject
from pipelines.workspace import Workspace


def make(number: int = 0, **changes: object) -> Sample:
    sample = Sample(
        prompt=ask(f"{number}+1"),
        answer=Answer.number(number + 1),
        task="sums/add",
        tags=("ocr",),
        corpus="sums",
        source_ref=f"train/{number}",
        steps=("first", "second"),
        licence="MIT",
    )
    return replace(sample, **changes)  # type: ignore[arg-type]


def put(workspace: Workspace, *samples: Sample) -> int:
    with workspace.catalog.write() as connection:
        return add_samples(connection, samples)


def test_ingesting_twice_adds_nothing(workspace: Workspace) -> None:
    samples = [make(i) for i in range(5)]
    assert put(workspace, *samples) == 5
    before = workspace.catalog.rows("select count(*) as n from sources")
    assert put(workspace, *reversed(samples)) == 0
    assert workspace.catalog.rows("select count(*) as n from sources") == before


def test_one_batch_may_hold_a_sample_twice(workspace: Workspace) -> None:
    assert put(workspace, make(), make(source_ref="train/again")) == 1
    assert len(workspace.catalog.rows("from sources")) == 2


def test_a_sample_comes_back_as_it_went_in(workspace: Workspace) -> None:
    medium = Media.of_bytes(b"picture", "image")
    sample = make(prompt=ask("read", medium), media=(medium,))
    facts = MediaFacts(medium.media_id, "image", 7, "x", 3, 4)
    with workspace.catalog.write() as connection:
        add_samples(connection, [sample], [facts])
    (loaded,) = load_samples(workspace.catalog, [sample.sample_id])
    assert loaded == sample
    assert loaded.sample_id == sample.sample_id


@pytest.mark.parametrize("corpora", [("a", "b"), ("b", "a")])
def test_the_displayed_corpus_does_not_depend_on_the_order_of_ingests(
    workspace: Workspace, corpora: tuple[str, str]
) -> None:
    for corpus in corpora:
        put(workspace, make(corpus=corpus, task=f"{corpus}/add"))
    rows = workspace.catalog.rows("select corpus, task from samples")
    assert rows == [{"corpus": "a", "task": "a/add"}]


def test_a_sample_seen_in_any_test_split_is_test(workspace: Workspace) -> None:
    put(workspace, make(), make(corpus="z", split="test"))
    assert workspace.catalog.rows("select split from sample_splits") == [{"split": "test"}]


def test_a_view_of_a_test_sample_is_test(workspace: Workspace) -> None:
    parent = make(split="test")
    put(workspace, parent, make(parent=parent.sample_id, history=({"name": "noise"},)))
    splits = workspace.catalog.rows("select split from sample_splits")
    assert [row["split"] for row in splits] == ["test", "test"]


def test_a_sibling_s_view_belongs_to_the_first_member_s_family(workspace: Workspace) -> None:
    first, sibling = make(0), make(1, parent=make(0).sample_id)
    view = make(1, parent=sibling.sample_id, history=({"name": "noise"},))
    put(workspace, first, sibling, view)
    families = workspace.catalog.rows("select distinct family_id from families")
    assert families == [{"family_id": first.sample_id}]


def test_a_changed_label_is_a_visible_conflict(workspace: Workspace) -> None:
    put(workspace, make(), make(answer=Answer.number(99)))
    (conflict,) = workspace.catalog.rows("from conflicts")
    assert conflict["answers"] == 2


def test_a_view_is_no_conflict_with_its_parent(workspace: Workspace) -> None:
    parent = make()
    put(workspace, parent, make(parent=parent.sample_id, history=({"name": "noise"},)))
    assert workspace.catalog.rows("from conflicts") == []


def test_a_reject_is_kept_once_with_its_reason(workspace: Workspace) -> None:
    reject = Reject("gsm8k", "train.jsonl:3", "read", "no_answer", "the line has no answer")
    for _ in range(2):
        with workspace.catalog.write() as connection:
            add_rejects(connection, [reject])
    (row,) = workspace.catalog.rows("from rejects")
    assert (row["source_ref"], row["reason"]) == ("train.jsonl:3", "no_answer")


def test_a_failed_burst_keeps_nothing(workspace: Workspace) -> None:
    with pytest.raises(RuntimeError), workspace.catalog.write() as connection:
        add_samples(connection, [make()])
        raise RuntimeError("killed")
    assert workspace.catalog.rows("from samples") == []


def test_a_newer_schema_is_refused(workspace: Workspace) -> None:
    with workspace.catalog.write() as connection:
        connection.execute("insert into schema_version values (999, null)")
    with pytest.raises(CatalogError, match="schema 999, newer than"):
        Catalog(workspace.root).rows("from samples")


def test_a_damaged_file_is_named_and_never_replaced_by_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "catalog.duckdb").write_bytes(b"not a database")
    with pytest.raises(CatalogError, match="cannot be opened"):
        Catalog(tmp_path).rows("from samples")
    assert (tmp_path / "catalog.duckdb").read_bytes() == b"not a database"


def test_the_shipped_quantiles_are_scipy_s(workspace: Workspace) -> None:
    rows = workspace.catalog.rows("from beta_quantiles where n in (0, 8, 64)")
    assert len(rows) == 1 + 9 + 65
    for row in rows:
        a, b = row["successes"] + 0.5, row["n"] - row["successes"] + 0.5
        assert row["low"] == pytest.approx(beta.ppf(0.025, a, b))
        assert row["high"] == pytest.approx(beta.ppf(0.975, a, b))


def test_the_snapshot_is_whole_and_can_be_held_open_while_we_write(workspace: Workspace) -> None:
    put(workspace, make())
    with duckdb.connect(workspace.catalog.snapshot(), read_only=True) as outsider:
        put(workspace, make(1))
        assert outsider.execute("select count(*) from samples").fetchone() == (1,)


REFUSED = [
    "select * from read_text('/etc/passwd')",
    "select 1; select 2",
    "attach '/tmp/x.db'",
    "copy samples to '/tmp/x.csv'",
    "set memory_limit = '100GB'",
    "delete from samples",
    "create table x (y int)",
    "select * from local_frame",
    "select count(*) from range(100000000000) a, range(100000) b",
    "select",
    "",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_a_person_s_sql_may_only_select_from_the_catalog(
    workspace: Workspace, statement: str
) -> None:
    put(workspace, make())
    local_frame = pa.table({"secret": [1]})
    assert local_frame.num_rows
    with pytest.raises(BadQuery):
        guarded(workspace.catalog, statement, seconds=2)
    assert len(workspace.catalog.rows("from samples")) == 1


def test_a_person_s_sql_answers(workspace: Workspace) -> None:
    put(workspace, make(), make(1))
    table = guarded(workspace.catalog, "select count(*) as n from samples;")
    assert table.to_pylist() == [{"n": 2}]


def test_a_person_s_sql_waits_for_a_reader_of_the_same_process(workspace: Workspace) -> None:
    put(workspace, make())
    reading, answered = threading.Event(), threading.Event()

    def read() -> None:
        with workspace.catalog.read():
            reading.set()
            answered.wait(0.3)

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait()
    assert guarded(workspace.catalog, "select 1 as one").num_rows == 1
    answered.set()
    reader.join()


def test_every_table_and_view_is_documented() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "catalog.md").read_text()
    scripts = [f for f in migrations.SCHEMA.iterdir() if f.name.endswith(".sql")]
    created = [
        name
        for file in scripts
        for name in re.findall(r"create (?:or replace )?(?:table|view) (\w+)", file.read_text())
    ]
    assert len(created) > 20
    assert [name for name in created if f"`{name}`" not in manual] == []
