"""Evidence of others on the command line: brought in, audited, explained."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from extracts import gsm8k, word_problem

from flows.cli.main import run
from pipelines.scoring.columns import COLUMNS

Answer = tuple[int, str, str]
Cli = Callable[..., Answer]
MANUAL = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text()


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in a workspace of the test's own; gives exit code, output and errors."""

    def call(*words: object) -> Answer:
        code = run([*map(str, words), "--workspace", str(tmp_path / "w")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def rollouts(cli: Cli, tmp_path: Path) -> Path:
    """Two questions in the workspace, and a file with answers to them, one of them unknown."""
    cli("ingest", "gsm8k", gsm8k(tmp_path / "g", train=[word_problem(f"{i}?") for i in range(2)]))
    data = "grade_school_math/data/train.jsonl"
    said = [("1", "#### 4", True), ("1", "It is 5.", True), ("2", "4", True), ("9", "4", True)]
    path = tmp_path / "rollouts.jsonl"
    lines = (
        {"corpus": "gsm8k", "source_ref": f"{data}:{line}", "completion": text, "correct": correct}
        for line, text, correct in said
    )
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_rollouts_come_in_under_the_name_given_for_them(cli: Cli, rollouts: Path) -> None:
    code, out, _ = cli("score", "import", rollouts, "--policy", "theirs")
    assert code == 0
    assert "4 rows, 3 new rollouts of 2 samples, 6 new grades, 0 known already, 1 rejected" in out
    assert "1 rejected: unknown_source" in out
    code, out, _ = cli("sql", "select distinct policy from difficulty", "--format", "csv")
    assert out.split() == ["policy", "theirs"]


def test_without_a_name_nothing_comes_in_and_strict_says_so(cli: Cli, rollouts: Path) -> None:
    code, out, _ = cli("score", "import", rollouts, "--strict", "--json")
    assert code == 3
    assert json.loads(out)["rejected"] == {"no_policy": 3, "unknown_source": 1}


def test_a_dry_run_leaves_the_catalog_as_it_is(cli: Cli, rollouts: Path) -> None:
    code, out, _ = cli("score", "import", rollouts, "--policy", "theirs", "--dry-run")
    assert (code, "3 would be new rollouts" in out) == (0, True)
    assert cli("sql", "select count(*) from rollouts", "--format", "csv")[1].split()[1] == "0"


def test_a_file_that_is_none_is_one_sentence(cli: Cli, rollouts: Path, tmp_path: Path) -> None:
    code, _, said = cli("score", "import", tmp_path / "gone.jsonl")
    assert code == 2
    assert said == f"curricle: there is no file {tmp_path / 'gone.jsonl'}\n"


def test_an_audit_shows_what_the_two_say(cli: Cli, rollouts: Path, tmp_path: Path) -> None:
    cli("score", "import", rollouts, "--policy", "theirs")
    code, out, _ = cli("reward", "audit", "--output", tmp_path / "d.csv")
    assert code == 0
    assert "agreement 66.67% [20.77%, 93.85%]" in out
    assert "expected '4', got '5'" in out
    with (tmp_path / "d.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["gold"], row["said"], row["first"], row["second"]) == (
        "4",
        "It is 5.",
        "right",
        "wrong",
    )


def test_an_audit_is_json_for_a_script(cli: Cli, rollouts: Path, tmp_path: Path) -> None:
    cli("score", "import", rollouts, "--policy", "theirs")
    output = tmp_path / "d.parquet"
    code, out, _ = cli("reward", "audit", "--second", "text", "--json", "--output", output)
    assert code == 0
    done = json.loads(out)
    assert done["verdicts"]["right"] == {"right": 2, "wrong": 1, "unscored": 0}
    assert pq.read_table(output).num_rows == done["differing"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--second", "nobody"], "there is no reward 'nobody'"),
        (["--where", "nonsense"], "answers where 'nonsense'"),
        (["--first", "stored:nobody*"], "no stored answer"),
        (["--output", "d.xlsx"], ".csv or .parquet"),
    ],
)
def test_a_mistake_is_one_sentence(cli: Cli, rollouts: Path, words: list[str], said: str) -> None:
    cli("score", "import", rollouts, "--policy", "theirs")
    code, out, error = cli("reward", "audit", *words)
    assert (code, out) == (2, "")
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_is_in_the_manual(name: str) -> None:
    assert f"| `{name}`" in MANUAL


def test_the_query_in_the_manual_exports_what_can_be_imported(
    cli: Cli, rollouts: Path, tmp_path: Path
) -> None:
    cli("score", "import", rollouts, "--policy", "theirs")
    query = MANUAL.split("```sql\n")[1].split("```")[0]
    export = tmp_path / "rollouts.parquet"
    assert cli("sql", query, "--format", "parquet", "--output", export)[0] == 0
    assert set(pq.read_schema(export).names) <= COLUMNS.keys()
    code, out, _ = cli("score", "import", export, "--json")
    assert code == 0
    done = json.loads(out)
    assert (done["new"], done["known"], done["rejected"]) == (3, 3, {})
