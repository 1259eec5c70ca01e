"""The flows, on a real Prefect server: what a refresh does, and what a second one does not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml
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


def test_the_deployment_names_a_flow_that_loads_and_parameters_it_takes() -> None:
    from prefect.flows import load_flow_from_entrypoint

    (nightly,) = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
    flow = load_flow_from_entrypoint(str(REPOSITORY / nightly["entrypoint"]))
    assert flow.name == "refresh"
    assert set(nightly["parameters"]) <= set(flow.parameters.properties)
    assert nightly["schedules"][0]["cron"]
    assert nightly["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"


SERVE = """
import sys
from datetime import timedelta
from flows.refresh import refresh
from prefect.schedules import Interval
refresh.serve("often", parameters={"workspace": sys.argv[1]},
              schedule=Interval(timedelta(seconds=10)), limit=1)
"""


@pytest.mark.timeout(280)
def test_a_schedule_really_runs_the_refresh(root: Path, tmp_path: Path) -> None:
    port = 20000 + os.getpid() % 20000
    environment = os.environ | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_RUNNER_POLL_FREQUENCY": "2",
        "PYTHONPATH": str(REPOSITORY),
        "DO_NOT_TRACK": "1",
    }
    prefect = shutil.which("prefect", path=str(Path(sys.executable).parent))
    assert prefect is not None
    started = [
        subprocess.Popen(
            [prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    ]
    try:
        _until(lambda: httpx.get(f"{environment['PREFECT_API_URL']}/health").status_code == 200, 90)
        # What `prefect deploy` asks; a FastAPI that is too new answers 422.
        asked = httpx.post(
            f"{environment['PREFECT_API_URL']}/deployments/filter", json={"limit": None}
        )
        assert asked.status_code == 200
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", SERVE, str(root)],
                env=environment,
                cwd=root,
                start_new_session=True,
            )
        )
        _until((root / "datasets" / "squares" / "1").is_dir, 150)
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def _until(reached: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if reached():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"did not happen within {seconds} s")


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
