"""Plans: what a person may write, and the sentence for what they may not."""

from pathlib import Path

import pytest
from small_catalog import a_plan, filled, sum_question

from pipelines.curation.plans import read_plan
from pipelines.curation.select import select
from pipelines.workspace import Workspace, WrongUse

INJECTIONS = [
    "1=1) union all select content from read_text('/etc/passwd') where (1=1",
    "1=1) union all select 'x' --",
    "true); drop table samples; select (1",
    "true) limit (1",
    "true) group by (1",
    "true) qualify (true",
    "true; select 1",
]


def test_a_plan_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("name = 'digits'\nwhere = \"corpus = 'digits'\"\n[band]\nlow = 0.2\n")
    plan = read_plan(path)
    assert (plan.name, plan.band.low, plan.band.high) == ("digits", 0.2, 0.9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 'a'\nbandd = 1", "unknown key 'bandd'"),
        ("name = 'a'\n[band]\nlo = 0.1", "unknown key 'band.lo'"),
        ("name = 'a'\n[band]\nlow = 0.9\nhigh = 0.1", "low = 0.9 lies above high = 0.1"),
        ("name = 'a-control'", "must not end in '-control'"),
        ("name = '../up'", "name"),
        ("name = 'a'\nsplit = 'everything'", "split"),
    ],
)
def test_a_wrong_plan_is_one_sentence_that_names_the_key(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(WrongUse, match=r"plan\.toml") as error:
        read_plan(path)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_the_stored_form_of_a_plan_reads_back() -> None:
    plan = a_plan(band={"low": 0.15}, quota={"size": 3})
    stored = plan.as_json()
    assert stored["band"]["low"] == "0.15"  # type: ignore[index,call-overload]
    assert type(plan).model_validate(stored) == plan


def test_where_sees_the_view_and_its_neighbours(workspace: Workspace) -> None:
    samples = filled(workspace, [1, 2, 3])
    wanted = a_plan(
        where="""
        task like 'sums/%'   -- a comment is fine
        and sample_id in (select sample_id from difficulty where successes > 1)
        """
    )
    found = select(workspace.catalog, wanted)["sample_id"].to_pylist()
    assert set(found) == {s.sample_id for s in samples[1:]}


@pytest.mark.parametrize("where", INJECTIONS)
def test_where_cannot_break_out_of_its_parentheses(workspace: Workspace, where: str) -> None:
    filled(workspace, [1])
    with pytest.raises(WrongUse, match="plan 'small': `where` cannot be used"):
        select(workspace.catalog, a_plan(where=where))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("taks = 'x'", 'Referenced column "taks" not found'),
        ("corpus = ", "syntax error"),
        ("", "syntax error"),
        ("exists (select 1 from read_text('/etc/passwd'))", "read_text() may not be read from"),
        ("random() < 0.5", "random() gives another set each time"),
    ],
)
def test_bad_sql_is_one_sentence_naming_where(workspace: Workspace, where: str, told: str) -> None:
    filled(workspace, [1])
    with pytest.raises(WrongUse, match="`where`") as error:
        select(workspace.catalog, a_plan(where=where))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_where_cannot_write(workspace: Workspace) -> None:
    filled(workspace, [1], sum_question)
    with pytest.raises(WrongUse):
        select(workspace.catalog, a_plan(where="(delete from samples returning true)"))
    assert workspace.catalog.rows("select count(*) as n from samples") == [{"n": 1}]
