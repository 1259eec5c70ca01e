"""The command line: quick to explain itself, one sentence for each mistake, exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from extracts import blindtest, gsm8k, puzzle, puzzlevqa, word_problem

from flows.cli.main import COMMANDS, app, run

Answer = tuple[int, str, str]
Cli = Callable[..., Answer]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in a workspace of the test's own; gives exit code, output and errors."""

    def call(*words: object) -> Answer:
        code = run([*map(str, words), "--workspace", str(tmp_path / "w")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    return gsm8k(tmp_path / "gsm8k", train=[word_problem(f"{i} and 2?") for i in range(3)])


def test_naming_the_commands_imports_nothing_heavy() -> None:
    code = (
        "import sys, flows.cli.main; from flows.cli.main import app; app.help_print([]);"
        "print(sorted({'torch', 'transformers', 'duckdb', 'prefect', 'numpy', 'pyarrow'}"
        " & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip().endswith("[]")
    assert all(name in shown.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_every_option(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert COMMANDS[name].rstrip(".") in " ".join(shown.split())
    if name != "reward":
        command = app[name]
        unexplained = [
            argument.name
            for argument in command.assemble_argument_collection(parse_docstring=True)
            if argument.show and not argument.parameter.help
        ]
        assert unexplained == []


def test_a_corpus_comes_in_and_again_adds_nothing(cli: Cli, problems: Path) -> None:
    code, out, _ = cli("ingest", "gsm8k", problems)
    assert (code, "3 records, 3 new samples" in out) == (0, True)
    code, out, _ = cli("ingest", "gsm8k", problems)
    assert (code, "0 new samples, 3 known already" in out) == (0, True)


def test_rejects_are_counted_and_strict_leaves_with_three(cli: Cli, tmp_path: Path) -> None:
    root = gsm8k(tmp_path / "g", train=[word_problem("1?"), {"question": "no answer?"}])
    code, out, _ = cli("ingest", "gsm8k", root)
    assert code == 0
    assert "1 rejected" in out
    assert "read: no_answer" in out
    assert cli("ingest", "gsm8k", root, "--strict")[0] == 3
    code, out, _ = cli("sql", "select source_ref, reason from rejects", "--format", "csv")
    assert "train.jsonl:2,no_answer" in out


def test_undecodable_pictures_are_rejected_and_the_rest_comes_in(cli: Cli, tmp_path: Path) -> None:
    root = puzzlevqa(tmp_path / "p", [puzzle(), puzzle(image="images/broken.png")])
    (root / "data/images").mkdir(parents=True, exist_ok=True)
    (root / "data/images/broken.png").write_bytes(b"\x89PNG broken")
    code, out, _ = cli("ingest", "puzzlevqa", root, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["new"] == 1
    assert answer["rejected"] == {"media: undecodable_image": 1}


MISTAKES = [
    (("ingest", "nope", "x"), "unknown corpus 'nope'; known are aqua"),
    (("ingest", "gsm8k", "/no/such/folder"), "there is no folder /no/such/folder"),
    (("ingest", "gsm8k"), "is read from a folder"),
    (("ingest",), "name a corpus"),
    (("ingest", "sums", "--size", "-3"), "options.size"),
    (("ingest", "sums", "/somewhere"), "is made on the spot; give it no path"),
    (("status",), "is not a workspace yet"),
    (("sql", "select 1"), "is not a workspace yet"),
    (("reward", "try", "polygon", "1", "x"), "no reward checks an answer of kind 'polygon'"),
    (("reward", "try", "number", "four", "4"), "'four' is no answer of kind 'number'"),
    (("frobnicate",), "Unknown command"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_one_sentence_and_exit_code_two(
    cli: Cli, words: tuple[str, ...], said: str
) -> None:
    code, _, err = cli(*words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


IN_A_WORKSPACE = [
    (("sql", "select * from nowhere"), "Table with name nowhere does not exist"),
    (("sql", "drop table samples"), "only SELECT is allowed"),
    (("sql", "select 1; select 2"), "not 2 statements"),
    (("sql", "select 1", "--format", "parquet"), "needs --output FILE"),
    (("card", "none"), "there is no dataset 'none'"),
    (("train", "none"), "none"),
    (("augment", "no-recipe"), "unknown recipe 'no-recipe'"),
    (("score", "--where", "split = "), "split = "),
    (("score", "--cap", "2"), "the command line: block 4 is larger than cap 2"),
    (("train", "x@abc"), "settings of the training run: version"),
    (("score", "--where", "false"), "no sample satisfies 'false'"),
    (("score", "--policy", "/no/policy"), "/no/policy"),
    (("score", "--template", "none", "--policy", "x/y"), "x/y"),
    (("curate", "missing.toml"), "missing.toml does not exist"),
]


@pytest.mark.parametrize(("words", "said"), IN_A_WORKSPACE)
def test_a_mistake_in_a_workspace_is_one_sentence(
    cli: Cli, problems: Path, words: tuple[str, ...], said: str
) -> None:
    cli("ingest", "gsm8k", problems)
    code, _, err = cli(*words)
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ('name = "x"\nsice = 3', "unknown key 'sice'"),
        ('name = "x"\n[band]\nlow = 2', "band.low"),
        ('name = "x"\nwhere = "corpus = "', "where"),
        ('name = "x"\nwhere = "1=1) union all select sample_id from (samples"', "where"),
        ("name = ", "is not TOML"),
    ],
)
def test_a_bad_plan_is_named_with_its_key(
    cli: Cli, tmp_path: Path, problems: Path, plan: str, said: str
) -> None:
    cli("ingest", "gsm8k", problems)
    file = tmp_path / "plan.toml"
    file.write_text(plan)
    code, _, err = cli("curate", file)
    assert code == 2
    assert said in err


def test_an_empty_band_is_one_sentence_exit_code_one_and_no_version(
    cli: Cli, tmp_path: Path
) -> None:
    cli("ingest", "blindtest", blindtest(tmp_path / "b"))
    plan = tmp_path / "plan.toml"
    plan.write_text('name = "none"\n[evidence]\nminimum = 1\n[band]\nlow = 0.49\nhigh = 0.491\n')
    code, _, err = cli("curate", plan)
    assert code == 1
    assert "keeps none of its" in err
    assert err.count("\n") == 1
    assert cli("sql", "from datasets", "--json")[1].strip() == "[]"


def test_imported_evidence_is_enough_to_freeze_a_dataset(cli: Cli, tmp_path: Path) -> None:
    cli("ingest", "blindtest", blindtest(tmp_path / "b"))
    plan = tmp_path / "plan.toml"
    plan.write_text('name = "squares"\n[evidence]\nminimum = 1\n[band]\nlow = 0.0\nhigh = 1.0\n')
    code, out, _ = cli("curate", plan)
    assert code == 0
    assert "squares@1 minted" in out
    assert "is what it was" in cli("curate", plan)[1]
    assert "# squares@1" in cli("card", "squares")[1]


def test_sql_prints_what_scripts_read(cli: Cli, problems: Path, tmp_path: Path) -> None:
    cli("ingest", "gsm8k", problems)
    query = "select count(*) as n from samples"
    assert json.loads(cli("sql", query, "--format", "json")[1]) == [{"n": 3}]
    assert cli("sql", query, "--format", "csv")[1].split() == ["n", "3"]
    target = tmp_path / "answer.parquet"
    assert cli("sql", query, "--format", "parquet", "--output", target)[0] == 0
    assert duckdb.sql(f"select n from '{target}'").fetchone() == (3,)


def test_hostile_text_is_printed_as_text(cli: Cli, tmp_path: Path) -> None:
    hostile = "[red]\x1b[31m<script>alert(1)</script>[/red] what is 2+2?"
    cli("ingest", "gsm8k", gsm8k(tmp_path / "g", train=[word_problem("[bold]x[/bold] 2+2?")]))
    assert "[bold]x[/bold]" in cli("sql", "select question from samples")[1]
    cli("ingest", "gsm8k", gsm8k(tmp_path / "h", train=[word_problem(hostile)]))
    assert "\x1b" not in cli("sql", "select question, detail from samples, rejects")[1]


def test_outsiders_find_what_a_command_wrote_in_the_snapshot(
    cli: Cli, problems: Path, tmp_path: Path
) -> None:
    cli("ingest", "gsm8k", problems)
    with duckdb.connect(tmp_path / "w" / "catalog.ro.duckdb", read_only=True) as snapshot:
        assert snapshot.execute("select count(*) from samples").fetchone() == (3,)


def test_a_second_writer_is_told_who_holds_the_workspace(
    cli: Cli, problems: Path, tmp_path: Path
) -> None:
    cli("ingest", "gsm8k", problems)
    hold = (
        "import sys, time; from pathlib import Path; from pipelines.catalog import Catalog\n"
        "with Catalog(Path(sys.argv[1])).write(): print('held', flush=True); time.sleep(30)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "w")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    code, _, err = cli("ingest", "gsm8k", problems, "--lock-timeout", "0.3")
    holder.kill()
    assert code == 1
    assert f"process {holder.pid}" in err


def test_a_workspace_from_a_newer_version_is_refused(
    cli: Cli, problems: Path, tmp_path: Path
) -> None:
    cli("ingest", "gsm8k", problems)
    with duckdb.connect(tmp_path / "w" / "catalog.duckdb") as connection:
        connection.execute("insert into schema_version values (999, null)")
    code, _, err = cli("status")
    assert code == 1
    assert "newer than" in err


def test_init_writes_settings_that_can_be_read(cli: Cli, tmp_path: Path) -> None:
    from flows.settings import read_settings
    from pipelines.curation.plans import read_plan
    from pipelines.workspace import Workspace

    assert cli("init")[0] == 0
    settings = read_settings(Workspace(tmp_path / "w"))
    assert settings.plans
    assert read_plan(tmp_path / "w" / settings.plans[0]).name
    assert cli("init")[0] == 2


def test_a_reward_explains_itself(cli: Cli) -> None:
    assert cli("reward", "try", "number", "1,000", "so it is 1000.0.")[1].startswith("right")
    assert cli("reward", "try", "choice", "B", "A", "cat", "dog")[1].startswith("wrong")
    assert "number@" in cli("reward", "list")[1]
