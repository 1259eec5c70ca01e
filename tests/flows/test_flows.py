"""The flows, on a real Prefect server: what a refresh does, and what a second one does not."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from extracts import blindtest, gsm8k, word_problem

from pipelines.workspace import Workspace, WrongUse

REPOSITORY = Path(__file__).parents[2]
SETTINGS = """
plans = ["plan.toml"]
[[corpora]]
name = "gsm8k"
path = "../gsm8k"
[[corpora]]
name = "blindtest"
path = "../blindtest"
[augment]
recipes = ["light-image"]
"""
PLAN = """
name = "squares"
where = "corpus = 'blindtest'"
[evidence]
minimum = 1
[band]
low = 0.0
high = 1.0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose difficulty comes from imported evidence, so that no model is needed."""
    gsm8k(tmp_path / "gsm8k", train=[word_problem("1?"), word_problem("2?"), {"question": "3?"}])
    blindtest(tmp_path / "blindtest")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "curricle.toml").write_text(SETTINGS)
    (workspace / "plan.toml").write_text(PLAN)
    return workspace


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_refresh_does_what_its_settings_have_a_table_for_and_once(root: Path) -> None:
    from flows.refresh import refresh

    first = refresh(str(root))
    assert list(first) == ["ingest", "augment", "curate"]
    assert first["ingest"][0]["new"] == 2
    assert first["ingest"][0]["rejected"] == {"read: no_answer": 1}
    assert first["curate"][0]["minted"] is True
    assert Workspace(root).catalog.snapshot_path.exists()
    again = refresh(str(root))
    assert [summary["new"] for summary in again["ingest"]] == [0, 0]
    assert again["augment"][0]["new"] == 0
    assert again["curate"][0]["minted"] is False
    versions = Workspace(root).catalog.rows("select version from datasets where kind = 'curated'")
    assert versions == [{"version": 1}]


@pytest.mark.usefixtures("prefect_server")
def test_a_person_s_mistake_is_not_tried_again(root: Path) -> None:
    from flows.ingest import ingest

    (root / "curricle.toml").write_text('[[corpora]]\nname = "nope"\n')
    started = time.monotonic()
    with pytest.raises(WrongUse, match="unknown corpus 'nope'"):
        ingest(str(root))
    assert time.monotonic() - started < 9  # a retry waits ten seconds


def test_an_unknown_setting_is_named(root: Path) -> None:
    from flows.settings import read_settings

    (root / "curricle.toml").write_text("[score]\ncup = 3\n")
    with pytest.raises(WrongUse, match=r"unknown key 'score\.cup'"):
        read_settings(Workspace(root))


@pytest.mark.usefixtures("prefect_server")
def test_a_refresh_does_only_the_stages_that_are_named(root: Path) -> None:
    from flows.refresh import refresh

    assert list(refresh(str(root), stages=["augment"])) == ["augment"]
    with pytest.raises(WrongUse, match="no stage 'fly'; there are ingest, augment"):
        refresh(str(root), stages=["fly"])


@pytest.mark.slow
def test_a_flow_that_prefect_loads_by_its_file_hides_no_package_of_ours() -> None:
    code = (
        "import sys; from prefect.flows import load_flow_from_entrypoint as load; "
        "load('flows/refresh.py:refresh'); import augment; print(augment.__file__)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == str(root / "augment" / "__init__.py")


def test_a_first_run_waits_for_its_own_server_on_a_busy_machine() -> None:
    code = (
        "import flows.refresh; from prefect.settings import get_current_settings; "
        "print(get_current_settings().server.ephemeral.startup_timeout_seconds)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "120"
