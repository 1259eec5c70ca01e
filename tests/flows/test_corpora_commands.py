"""A corpus of one's own through the command line: drafted, explained, brought in, refreshed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from extracts import gsm8k, png, word_problem, write, write_lines
from layouts import CLIPS, csv_of_clips, zipped

from flows import stages
from flows.cli.main import run
from flows.settings import read_settings
from pipelines.workspace import Workspace

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in a workspace of the test's own; gives exit code, output and errors."""

    def call(*words: object) -> tuple[int, str, str]:
        code = run([*map(str, words), "--workspace", str(tmp_path / "w")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_a_drafted_corpus_is_explained_brought_in_and_found_again(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "quiz"
    rows = [{"qid": f"q{i}", "question": f"{i} + 1?", "answer": i + 1, "pic": f"{i}.png"}
            for i in range(3)]  # fmt: skip
    write_lines(root / "a.jsonl", [*rows, rows[0] | {"qid": "q9", "answer": "\x1b[31mred"}])
    for i in range(3):
        write(root / f"img/{i}.png", png(i))
    code, out, _ = cli("init", "--from", root)
    assert code == 0
    mapping = tmp_path / "w/maps/quiz.toml"
    assert mapping.is_file()
    assert "guessed: 'question' asks" in out
    mapping.write_text(mapping.read_text().replace('kind = "text"', 'kind = "number"'))
    code, out, _ = cli("ingest", "quiz", root, "--map", mapping, "--explain", 9)
    assert code == 0
    assert "user: [image] 0 + 1?" in out
    assert 'answer {"kind": "number", "value": "1"}' in out
    assert "image" in out
    assert "8 x 8 pixels" in out
    assert "rejected at read: bad_answer" in out
    assert "\x1b" not in out
    assert Workspace(tmp_path / "w").catalog.rows("select * from sources") == []
    assert json.loads(cli("ingest", "quiz", root, "--map", mapping, "--json")[1])["new"] == 3
    assert json.loads(cli("ingest", "quiz", root, "--map", mapping, "--json")[1])["new"] == 0


def test_curricle_toml_names_corpora_of_ones_own(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    csv_of_clips(tmp_path / "clips")
    write(tmp_path / "w/maps/clips.toml", CLIPS)
    write(
        tmp_path / "w/curricle.toml",
        '[[corpora]]\nname = "mine"\npath = "../clips"\nmap = "maps/clips.toml"\n'
        "[[corpora]]\nname = 'ours'\npath = '../clips'\nmap = 'maps/clips.toml'\n",
    )
    summaries = [stages.ingest(workspace, one) for one in read_settings(workspace).corpora]
    assert [(s.corpus, s.new, s.known) for s in summaries] == [("mine", 3, 0), ("ours", 0, 3)]


def test_an_archive_is_a_corpus_too(cli: Cli, tmp_path: Path) -> None:
    root = gsm8k(tmp_path / "g", train=[word_problem("How many?")])
    members = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.jsonl")}
    archive = write(tmp_path / "g.zip", zipped(members))
    assert json.loads(cli("ingest", "gsm8k", archive, "--json")[1])["new"] == 1
    assert list((tmp_path / "w/staging").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ingest", "unheard-of", "x"), "one of your own needs a mapping"),
        (("ingest", "gsm8k", "x", "--map", "m.toml"), "name of a corpus that Curricle knows"),
        (("ingest", "mine", "x", "--map", "none.toml"), "none.toml does not exist"),
        (("ingest", "mine", "x", "--as", "nobody"), "unknown format 'nobody'; known are"),
        (("ingest", "mine", "x", "--as", "verl", "--map", "m.toml"), "not both"),
        (("init", "--from", "nowhere"), "there is no folder"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: tuple[str, ...], said: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "m.toml", CLIPS)
    (tmp_path / "x").mkdir()
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
