"""`curricle score think` on the command line: both templates asked once, one table, one sentence."""

import json
from pathlib import Path

import pytest

from flows.cli.main import run
from pipelines.workspace import Workspace


@pytest.mark.slow
def test_both_templates_are_asked_and_the_same_again_asks_nothing(
    tmp_path: Path, quick_policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(tmp_path / "w")
    assert run(["ingest", "sums", "--size", "20", "--workspace", root]) == 0
    asked = ["score", "think", "--policy", str(quick_policy), "--max-tokens", "4"]
    asked += ["--samples", "3", "--answers", "2", "--workspace", root]
    capsys.readouterr()
    assert run([*asked, "--dry-run", "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["rollouts"]
    assert run([*asked, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    tasks = {row["task"] for row in Workspace(Path(root)).catalog.rows("from think_modes")}
    assert {one["task"] for one in done["findings"]} == tasks
    assert done["rollouts"] == expected == 3 * 2 * 2 * len(tasks)
    assert run(asked) == 0
    said = capsys.readouterr().out
    assert "template 'plain' against 'direct'" in said
    assert "0 rollouts now" in said
    assert "undecided, needs" in said
    assert run([*asked, "--template", "direct"]) == 2
    assert "compare one that thinks (`--template`)" in capsys.readouterr().err
