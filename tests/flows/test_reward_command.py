"""`curricle reward try` and `list`, as a person meets them."""

import io
import json
from pathlib import Path

import pytest

from flows.cli.main import run

TOML = """
[rewards.stepwise]
parts = { answer = 1.0, key_steps = 0.1 }
[rewards.mine]
file = "mine.py"
"""
MINE = """
from pipelines.rewards import Score, reward
@reward("mine", version=1)
def mine(reference, completion):
    return Score(0.25, completion == "please", "asked " + reference.answer.kind)
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "curricle.toml").write_text(TOML)
    (tmp_path / "mine.py").write_text(MINE)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["number", "-3", "-3"], "right (1)"),
        (["number", "5", "5.04", "--tolerance", "1%"], "right (1)"),
        (["number", "5", "5 m", "--unit", "km"], "wrong (0)"),
        (["text", "dark blue", "navy", "--variant", "navy"], "right (1)"),
        (["bool", "true", "yes"], "right (1)"),
        (["box", "10,20,30,40", "[10,20,30,40]"], "right (1)"),
        (["boxes", "[[0,0,9,9],[10,0,19,9]]", "[0,0,9,9]"], "wrong (0.5)"),
        (["point", "15,25", "(15, 26)", "--tolerance", "2"], "right (1)"),
        (["set", "red, blue", "blue and red"], "right (1)"),
        (["choice", "B", "dog", "cat", "dog"], "right (1)"),
        (["number", "7", "3+4=7\nA: 7", "--reward", "stepwise", "--steps", "3+4=7"], "right (1.1)"),
        (["number", "7", "please", "--reward", "mine"], "right (0.25)"),
        (["box", "5,5,5,9", "[5,5,5,9]"], "unscored (0)"),
    ],
)
def test_it_grades_and_explains(
    command: list[str], said: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reward", "try", *command, "--workspace", folder]) == 0
    assert capsys.readouterr().out.startswith(said)


def test_it_shows_where_the_answer_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reward", "try", "box", "0,0,10,10", "so \\boxed{0,0,10,20}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == ["  final answer: '0,0,10,20', found by: box", "  iou: 0.5"]


def test_it_reads_a_long_completion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "answer.txt").write_text("much work\nA: B")
    command = ["reward", "try", "choice", "B", "--json", "cat", "dog", "--file"]
    assert run([*command, str(tmp_path / "answer.txt")]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("much work\nA: A"))
    said = json.loads(capsys.readouterr().out)
    assert (said["score"]["correct"], said["found_by"]) == (True, "last_line_label")
    assert run([*command, "-"]) == 0
    assert json.loads(capsys.readouterr().out)["score"]["correct"] is False


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["number", "7"], "give a completion, or a --file"),
        (["number", "many", "7"], "'many' is no answer of kind 'number'"),
        (["json", "{", "7"], "it is not JSON"),
        (["smell", "rose", "rose"], "no reward checks an answer of kind 'smell'"),
        (["number", "7", "7", "--reward", "nobody"], "there is no reward 'nobody'; known: answer"),
        (["number", "7", "--file", "/no/such/file"], "cannot be read"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(
    command: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reward", "try", *command]) == 2
    assert why in capsys.readouterr().err


def test_the_list_shows_the_rewards_of_the_workspace(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["reward", "list", "--json", "--workspace", folder]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"number", "set", "key_steps", "stepwise", "mine"} <= rows.keys()
    assert rows["stepwise"]["does"] == "1 answer + 0.1 key_steps"
    assert rows["mine"]["reward_id"].startswith("mine@1-")
