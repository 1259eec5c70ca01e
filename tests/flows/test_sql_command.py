"""`curricle sql`: what it lists, how it writes, and that the manual's ways in from outside work."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.cli.main import run
from pipelines.catalog import migrations
from pipelines.catalog.listing import listed

PAGES = Path(__file__).parents[2] / "docs"
SAMPLES = 116
"""What `ingest sums --size 60` makes: some questions have siblings."""
Answer = tuple[int, str, str]
Cli = Callable[..., Answer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sql")
    words = ["ingest", "sums", "--size", "60", "--no-clean"]
    assert run([*words, "--workspace", str(folder / "curricle-workspace")]) == 0
    return folder


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run(["sql", *map(str, words), "--workspace", str(folder / "curricle-workspace")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_without_a_query_every_table_and_view_is_listed_with_a_line(cli: Cli) -> None:
    code, out, _ = cli()
    assert code == 0
    created = {
        name
        for file in migrations.SCHEMA.iterdir()
        if file.name.endswith(".sql")
        for name in re.findall(r"create (?:or replace )?(?:table|view) (\w+)", file.read_text())
    }
    assert {one.name for one in listed()} >= created
    assert all(one.purpose for one in listed())
    assert all(name in out for name in created)
    assert json.loads(cli("--json")[1])[0].keys() == {"name", "kind", "purpose"}


def test_a_table_shows_so_many_rows_and_says_that_there_are_more(cli: Cli) -> None:
    code, out, err = cli("select range as n from range(5)", "--rows", 3)
    assert (code, "2" in out, "3" in out) == (0, True, False)
    assert "the first 3 rows, and there are more" in err
    assert cli("select range as n from range(3)", "--rows", 3)[2] == ""
    assert cli("select 1", "--rows", 0)[0] == 2


HARD = (
    "select 'a,\"b' as x, '' as y, null as z, [1, 2] as l, {'k': 1.5} as s, 'nan'::double as f, "
    "sum(3) as n, 4 as n, 'x\ny'::blob as b, date '2026-01-02' as d"
)


def test_csv_tells_null_from_empty_text(cli: Cli) -> None:
    code, out, _ = cli(HARD, "--format", "csv")
    assert code == 0
    names, row = csv.reader(io.StringIO(out))
    assert names == ["x", "y", "z", "l", "s", "f", "n", "n", "b", "d"]
    told = ['a,"b', "", "", "[1, 2]", '{"k": 1.5}', "null", "3", "4", "780a79", "2026-01-02"]
    assert row == told
    assert ',"",,' in out


def test_json_has_numbers_as_numbers_and_both_of_two_namesakes(cli: Cli) -> None:
    (row,) = json.loads(cli(HARD, "--json")[1])
    assert (row["n"], row["n_1"], row["f"], row["l"]) == (3, 4, None, [1, 2])
    assert json.loads(cli("from samples where false", "--json")[1]) == []


def test_a_file_is_written_whole_or_not_at_all(cli: Cli, tmp_path: Path) -> None:
    for ending in ("csv", "json", "parquet"):
        path = tmp_path / f"out.{ending}"
        assert cli("select sample_id, task from samples", "--output", path)[0] == 0
        assert path.stat().st_size > 60
    assert pq.read_table(tmp_path / "out.parquet").num_rows == SAMPLES
    before = (tmp_path / "out.csv").read_bytes()
    code, _, err = cli("select error('no')", "--output", tmp_path / "out.csv")
    assert (code, "no" in err) == (2, True)
    assert (tmp_path / "out.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.csv",
        "out.json",
        "out.parquet",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--output", "{}"), "give --format csv, json or parquet"),
        (("--output", "{}", "--format", "csv"), "is a folder; name a file in it"),
        (("--output", "{}/none/x.csv"), "there is no folder"),
        (("--format", "parquet"), "--format parquet needs --output FILE"),
        (("--file", "{}/none.sql"), "give a query or --file, not both"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    code, _, err = cli("select 1", *(word.format(tmp_path) for word in words))
    assert code == 2
    assert said in err


def test_a_query_comes_from_a_file_or_from_standard_input(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "q.sql").write_text("-- how many?\nselect count(*) as n from samples;\n")
    assert json.loads(cli("--file", tmp_path / "q.sql", "--json")[1]) == [{"n": SAMPLES}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("select 7 as n"))
    assert json.loads(cli("--file", "-", "--json")[1]) == [{"n": 7}]
    code, _, err = cli("--file", tmp_path / "gone.sql")
    assert (code, "there is no file" in err) == (2, True)


@pytest.mark.slow
def test_a_large_answer_passes_through_little_memory(folder: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys\nfrom flows.cli.main import run\n"
        "query = \"select i, md5(i::varchar) || repeat('x', 400) as t from range({}) r(i)\"\n"
        "words = ['--workspace', sys.argv[1], '--output', sys.argv[2]]\n"
        "assert run(['sql', query.format(10), *words]) == 0\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert run(['sql', query.format(300_000), *words]) == 0\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    words = [sys.executable, "-c", code, folder / "curricle-workspace", tmp_path / "o.parquet"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    assert pq.read_metadata(tmp_path / "o.parquet").num_rows == 300_000
    # The answer is 130 MB.
    assert int(done.stdout.splitlines()[-1]) < 80


SNIPPETS = re.findall(r"```python\n(.*?)```", (PAGES / "sql.md").read_text(), re.DOTALL)
SHELLS = re.findall(r"^duckdb .*$", (PAGES / "sql.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["duckdb", "polars", "ibis"])
def test_the_snapshot_opens_from_python_as_the_manual_says(folder: Path, snippet: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "sums/chain" in done.stdout


def test_the_snapshot_opens_in_the_duckdb_shell(folder: Path) -> None:
    (command,) = SHELLS
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert "sums/chain" in done.stdout


def test_no_page_shows_the_live_file_being_opened() -> None:
    for page in PAGES.glob("**/*.md"):
        assert not re.search(
            r"connect\([^)]*catalog\.duckdb|duckdb [^\n`]*catalog\.duckdb", page.read_text()
        )
