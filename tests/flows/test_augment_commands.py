"""`curricle augment` and what stands under it: views, blocks and contact sheets on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from flows.cli.main import run

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


def test_views_are_made_as_before_and_blocks_can_be_switched_off(cli: Cli) -> None:
    cli("ingest", "digits", "--size", 30)
    code, out, _ = cli("augment", "light-image", "--no-blocks", "--json")
    (summary,) = json.loads(out)
    assert (code, summary["parents"], summary["unheeded"]) == (0, 30, [])
    assert summary["views"] > 0
    code, out, _ = cli("augment", "light-image", "--json")
    assert json.loads(out)[0]["new"] == 0


def test_a_preview_is_one_picture(cli: Cli, tmp_path: Path) -> None:
    cli("ingest", "digits", "--size", 20)
    cli("ingest", "beeps", "--size", 10)
    cli("ingest", "sums", "--size", 10)
    file = tmp_path / "sheet.jpg"
    code, out, _ = cli("augment", "preview", "--samples", 6, "--out", file, "--json")
    facts = json.loads(out)
    assert (code, facts["samples"], facts["file"]) == (0, 6, str(file))
    assert facts["forbidden"] > 0
    with Image.open(file) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.width > 1000
        assert sheet.height > 6 * 200


def test_a_preview_of_a_recipe_shows_what_it_is_for(cli: Cli, tmp_path: Path) -> None:
    cli("ingest", "sums", "--size", 10)
    words = ("augment", "preview", "--recipe", "light-audio", "--out", tmp_path / "a.png")
    code, _, err = cli(*words)
    assert (code, "light-audio" in err) == (2, True)
    cli("ingest", "beeps", "--size", 10)
    code, out, _ = cli(*words, "--samples", 2)
    assert (code, "2 samples" in out) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "sheet.gif"), "a preview is written as .png or .jpg or .jpeg"),
        (("--samples", 0), "at least one sample"),
        (("--recipe", "lighter"), "unknown recipe 'lighter'"),
        (("--where", "task = 'nothing'"), "no sample satisfies"),
        (("--where", "("), "it is no SQL"),
    ],
)
def test_a_mistake_is_one_sentence(cli: Cli, words: tuple[object, ...], said: str) -> None:
    cli("ingest", "digits", "--size", 5)
    code, out, err = cli("augment", "preview", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
