"""`curricle export` and `curricle doctor`: what they print, and their exit codes."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from small_exports import hard_workspace

from flows.cli.export import FormatName
from flows.cli.main import run
from pipelines.curation.formats import FORMATS

Answer = tuple[int, str, str]
Cli = Callable[..., Answer]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hard_workspace(tmp_path_factory.mktemp("hard") / "workspace").root


@pytest.fixture
def cli(root: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*words: object) -> Answer:
        code = run([*map(str, words), "--workspace", str(root)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_every_format_can_be_asked_for() -> None:
    assert FormatName.__args__ == tuple(FORMATS)  # type: ignore[attr-defined]


def test_an_export_says_what_it_wrote(cli: Cli, tmp_path: Path) -> None:
    code, said, _ = cli("export", "hard", "--to", "verl", "--out", tmp_path / "out")
    assert code == 0
    assert "hard@1 for verl" in said
    assert "train.parquet: " in said
    assert "originals/ as they came" in said
    note = json.loads((tmp_path / "out" / "curricle-export.json").read_text())
    assert note["datasets"].keys() == {"hard@1"}
    assert "data.shuffle=False" in (tmp_path / "out" / "README.md").read_text()


def test_a_mistake_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    for words, said in (
        (("soft", "--to", "trl"), "no dataset 'soft'"),
        (("hard@x", "--to", "trl"), "'hard@x' is no dataset version"),
        (("hard@7", "--to", "trl"), "no dataset hard@7"),
        (("heard", "--to", "trl"), "no column for audio"),
        (("hard", "--to", "trl", "--template", "none"), "no template 'none'"),
        (("hard", "--to", "trl", "--split", "a/b"), "'a/b' is no name for a split"),
    ):
        code, _, error = cli("export", *words, "--out", tmp_path / "out")
        assert code == 2, error
        assert said in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_doctor_passes_a_dataset_and_fails_a_file_that_crashes(
    cli: Cli, tmp_path: Path
) -> None:
    code, said, _ = cli("doctor", "hard", "--for", "easyr1")
    assert code == 0, said
    assert "nothing found" in said
    assert "data.shuffle=false" in said
    file = tmp_path / "train.jsonl"
    file.write_text('{"problem": "<image>?", "answer": "4", "images": ["a.png", "b.png"]}\n')
    code, said, _ = cli("doctor", file, "--for", "easyr1")
    assert code == 1
    assert "placeholder_count (crash), 1 times" in said
    code, said, _ = cli("doctor", file, "--for", "easyr1", "--json")
    assert code == 1
    assert {f["fault"] for f in json.loads(said)["findings"]} == {
        "placeholder_count",
        "missing_file",
    }


@pytest.mark.slow
def test_the_doctor_measures_prompts_with_a_processor(cli: Cli) -> None:
    words = ("doctor", "hard", "--for", "verl", "--processor", "tiny")
    code, said, _ = cli(*words)
    assert code == 0, said
    code, said, _ = cli(*words, "--max-prompt-length", 10)
    assert code == 1
    assert "tokens, over 10" in said


def test_the_doctor_knows_what_it_cannot_find(cli: Cli, tmp_path: Path) -> None:
    code, _, error = cli("doctor", tmp_path / "none.parquet", "--for", "trl")
    assert (code, "neither a file of rows" in error) == (2, True)
    (tmp_path / "a.jsonl").write_text("{}\n")
    words = ("doctor", tmp_path / "a.jsonl", "--for", "trl", "--processor", tmp_path / "none")
    code, _, error = cli(*words)
    assert (code, "no checkpoint folder" in error) == (2, True)


def test_what_the_manual_shows_of_the_doctor_is_what_it_says(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "handoff.md").read_text()
    rows, shown = re.findall(
        r"```jsonl\n(.*?)```\n\n(?:<!--.*?-->\n)?```console\n(.*?)```", manual, re.DOTALL
    )[0]
    monkeypatch.chdir(tmp_path)
    Path("train.jsonl").write_text(rows)
    Image.new("RGB", (8, 8)).save("a.png")
    command, _, said = shown.partition("\n")
    assert cli(*command.removeprefix("$ curricle ").split()) == (1, said, "")


def test_the_manual_names_every_fault_and_every_format() -> None:
    root = Path(__file__).parents[2]
    manual = (root / "docs" / "handoff.md").read_text()
    code = "".join(p.read_text() for p in (root / "pipelines/curation/handoff").glob("*.py"))
    faults = re.findall(r'Fault\(\s*"(\w+)"', code)
    assert len(set(faults)) > 25
    assert [name for name in (*faults, *FORMATS) if f"`{name}`" not in manual] == []
