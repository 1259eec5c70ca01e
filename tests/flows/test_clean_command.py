"""`curricle clean`: found by every ingest, said in sentences, shown in pairs."""

import json
from pathlib import Path

import pytest
from extracts import puzzle, puzzlevqa

from flows.cli.main import run


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    return ["--workspace", str(tmp_path / "w")]


def test_an_ingest_says_what_repeats_and_clean_shows_it(
    tmp_path: Path, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = puzzlevqa(tmp_path / "p", [puzzle(), puzzle(options=[3, 6])])
    assert run(["ingest", "puzzlevqa", str(root), *place]) == 0
    assert "1 repeat another" in capsys.readouterr().out
    assert run(["clean", "--json", *place]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["duplicates"] == {"same question and media": 1}
    assert summary["unchanged"]
    assert run(["clean", "--show", "duplicates", *place]) == 0
    assert "color_number.json:2" in capsys.readouterr().out
    assert run(["clean", "--show", "leaks", *place]) == 0
    assert "no leaks were found" in capsys.readouterr().out


def test_an_ingest_can_do_without(
    tmp_path: Path, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = puzzlevqa(tmp_path / "p", [puzzle()])
    assert run(["ingest", "puzzlevqa", str(root), "--no-clean", *place]) == 0
    assert "compared" not in capsys.readouterr().out
