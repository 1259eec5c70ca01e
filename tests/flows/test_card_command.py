"""`curricle card`: the card of a version, and what changed between two."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_catalog import a_plan, filled, picture_question

from flows.cli.main import run
from pipelines.curation.curate import curate
from pipelines.workspace import Workspace

Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace(tmp_path_factory.mktemp("cards") / "w", lock_timeout=20)
    filled(workspace, [1, 4, 7])
    curate(workspace, a_plan(name="demo"))
    filled(workspace, [2, 3], picture_question)
    curate(workspace, a_plan(name="demo"))
    return workspace.root


@pytest.fixture
def cli(root: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run(["card", *map(str, words), "--workspace", str(root)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_a_card_is_printed_or_written(cli: Callable[..., Answer], tmp_path: Path) -> None:
    assert "# demo@2" in cli("demo")[1]
    assert cli("demo@1", "--output", tmp_path / "README.md")[0] == 0
    assert "# demo@1" in (tmp_path / "README.md").read_text()


def test_versions_are_compared(cli: Callable[..., Answer]) -> None:
    for words in (("demo",), ("demo@2",), ("demo@1", "demo@2")):
        code, out, _ = cli("--diff", *words)
        assert (code, "# demo@1 → demo@2" in out) == (0, True)
        assert "3 → 5 samples: 2 added, 0 removed, 3 in both" in out
    told = json.loads(cli("--diff", "demo@1", "demo@2", "--json")[1])
    assert (told["samples_after"], len(told["added"])) == (5, 2)
    assert "demo@1 → demo-control@1" in cli("--diff", "demo@1", "demo-control@1")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--diff", "demo@1"), "demo@1 is the first version"),
        (("--diff", "demo@9"), "demo has versions 1, 2, not 9"),
        (("--diff", "demo", "none"), "there is no dataset 'none'"),
        (("demo@1", "demo@2"), "give --diff to compare"),
        (("none",), "there is no dataset 'none'"),
    ],
)
def test_what_cannot_be_compared_is_named(
    cli: Callable[..., Answer], words: tuple[str, ...], said: str
) -> None:
    code, _, err = cli(*words)
    assert (code, said in err) == (2, True)
