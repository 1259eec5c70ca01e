"""`curricle serve` against a real server: what it deploys, what it watches, what it says."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from extracts import blindtest, gsm8k, word_problem

from flows.cli.main import run
from flows.serving.address import choose
from flows.serving.api import Api, ServerAway
from flows.serving.children import Child
from flows.serving.deploying import completed, own_file
from flows.serving.guard import AUTOMATION, Guard, forgive_silence, is_run, make_automation
from flows.serving.home import Served, alone, read_served, tag, write_served
from flows.serving.overview import overview
from pipelines.workspace import Failed, Workspace, WrongUse

REPOSITORY = Path(__file__).parents[2]
CURRICLE = (sys.executable, "-c", "from flows.cli.main import main; main()")
OWN = """
deployments:
  - name: own
    entrypoint: own.py:hello
    parameters: {whom: you}
    schedules: [{cron: "30 2 * * *", timezone: Europe/Berlin}]
  - name: nightly
    entrypoint: flows.refresh.refresh
"""
SETTINGS = """
plans = ["plan.toml"]
[[corpora]]
name = "gsm8k"
path = "gsm8k"
[[corpora]]
name = "blindtest"
path = "blindtest"
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
FLOW = "from prefect import flow\n\n@flow\ndef hello(whom: str) -> str:\n    return whom\n"


@pytest.fixture
def url(prefect_server: None) -> str:
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value())


@pytest.fixture
def api(url: str) -> Api:
    return Api(url, timeout=30)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "own work"  # a path with a space
    root.mkdir()
    (root / "curricle.toml").write_text("")
    return root


def busy_run(api: Api, workspace: Workspace, name: str = "one") -> tuple[dict[str, Any], str]:
    """Make a deployment with one slot, and a run that holds it."""
    flow = api.post("flows/", {"name": "naps"})
    deployment = api.post(
        "deployments/",
        {
            "name": f"{name}-{time.monotonic_ns()}",
            "flow_id": flow["id"],
            "tags": [tag(workspace)],
            "concurrency_limit": 1,
            "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
        },
    )
    return start_run(api, deployment["id"]), deployment["id"]


def start_run(api: Api, deployment: str) -> dict[str, Any]:
    run = api.post(f"deployments/{deployment}/create_flow_run", {})
    for state in ("PENDING", "RUNNING"):
        done = api.post(f"flow_runs/{run['id']}/set_state", {"state": {"type": state}})
        if done["status"] != "ACCEPT":
            break
    found: dict[str, Any] = api.get(f"flow_runs/{run['id']}")
    return found


def slots(api: Api, deployment: str) -> int:
    return int(api.get(f"deployments/{deployment}")["global_concurrency_limit"]["active_slots"])


@pytest.fixture
def working(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Start processes that pass for the ones of a run, and end them."""
    started: list[subprocess.Popen[bytes]] = []

    def start(run_id: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"PREFECT__FLOW_RUN_ID": run_id}
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        started.append(subprocess.Popen(command, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_serving_deploys_the_workspace_s_file_and_runs_it(root: Path, url: str, api: Api) -> None:
    make_refreshable(root)
    workspace = Workspace(root)
    serving = subprocess.Popen(
        [*CURRICLE, "serve", "--workspace", str(root)],
        env=os.environ
        | {"PREFECT_API_URL": url, "PYTHONPATH": str(REPOSITORY)}
        | {"PREFECT_WORKER_QUERY_SECONDS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = heard(serving, "serving ")
        assert any(f"joining the Prefect server at {url}" in line for line in said)
        named = rf"is served already at {url}, by process {serving.pid}"
        with pytest.raises(WrongUse, match=named), alone(workspace):
            pass
        nightly, own = sorted(api.deployments(tag(workspace)), key=lambda one: one["name"])
        check_filled(own, root)
        assert nightly["parameters"] == {"workspace": str(root)}
        api.post(f"deployments/{nightly['id']}/create_flow_run", {})
        heard(serving, "refresh/nightly", "completed")
    finally:
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(120) == 0
    versions = workspace.catalog.rows("select version from datasets where kind = 'curated'")
    assert versions == [{"version": 1}]
    left = {one["key"] for one in api.post("artifacts/latest/filter", {})}
    assert {"ingest", "curate", "card-squares"} <= left
    named_so = {"automations": {"name": {"any_": [AUTOMATION]}}}
    assert len(api.post("automations/filter", named_so)) == 1
    assert read_served(workspace).url == url


def make_refreshable(root: Path) -> None:
    """Settings whose refresh needs no model, and two deployments."""
    gsm8k(root / "gsm8k", train=[word_problem("1?"), word_problem("2?")])
    blindtest(root / "blindtest")
    (root / "curricle.toml").write_text(SETTINGS)
    (root / "plan.toml").write_text(PLAN)
    (root / "prefect.yaml").write_text(OWN)
    (root / "own.py").write_text(FLOW)


def check_filled(own: dict[str, Any], root: Path) -> None:
    assert (own["name"], own["flow_name"], own["parameters"]) == ("own", "hello", {"whom": "you"})
    assert own["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert own["global_concurrency_limit"]["limit"] == 1
    assert own["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    (step,) = own["pull_steps"]
    assert step["prefect.deployments.steps.set_working_directory"]["directory"] == str(root)


def heard(serving: subprocess.Popen[str], *words: str) -> list[str]:
    """Listen until a line has all of the words; everything said until then."""
    assert serving.stdout is not None
    said: list[str] = []
    for line in serving.stdout:
        said.append(line)
        if all(word in line for word in words):
            return said
    raise AssertionError("".join(said))


@pytest.mark.slow
def test_a_run_whose_process_is_gone_is_crashed_and_frees_its_slot(
    root: Path, api: Api, working: Any
) -> None:
    workspace = Workspace(root)
    run, deployment = busy_run(api, workspace)
    process = working(run["id"])
    api.patch(f"flow_runs/{run['id']}", {"infrastructure_pid": str(process.pid)})
    guard = Guard(api, tag(workspace), {})
    guard.look()
    assert guard.orphans() == [process.pid]
    assert api.get(f"flow_runs/{run['id']}")["state_type"] == "RUNNING"
    process.kill()
    process.wait()
    after_restart = Guard(api, tag(workspace), guard.seen)
    after_restart.look()
    ended = api.get(f"flow_runs/{run['id']}")
    assert (ended["state_name"], ended["state"]["message"]) == ("Crashed", "Its process is gone.")
    assert slots(api, deployment) == 0
    assert start_run(api, deployment)["state_type"] == "RUNNING"


@pytest.mark.slow
def test_a_run_of_another_machine_is_left_to_its_heartbeat(root: Path, api: Api) -> None:
    workspace = Workspace(root)
    run, _ = busy_run(api, workspace)
    api.patch(f"flow_runs/{run['id']}", {"infrastructure_pid": str(os.getpid())})
    Guard(api, tag(workspace), {}).look()
    assert api.get(f"flow_runs/{run['id']}")["state_type"] == "RUNNING"


@pytest.mark.slow
def test_an_overlapping_run_is_skipped_and_counted(root: Path, api: Api) -> None:
    workspace = Workspace(root)
    first, deployment = busy_run(api, workspace)
    assert start_run(api, deployment)["state_type"] == "CANCELLED"
    api.post(f"flow_runs/{first['id']}/set_state", {"state": {"type": "COMPLETED"}})
    (known,) = overview(api, tag(workspace))
    assert known.ended == {"completed": 1, "failed": 0, "crashed": 0, "skipped": 1}
    assert known.last.startswith("completed in")


@pytest.mark.slow
def test_a_slot_that_no_run_holds_is_freed_at_the_second_look(root: Path, api: Api) -> None:
    workspace = Workspace(root)
    run, deployment = busy_run(api, workspace)
    api.delete(f"flow_runs/{run['id']}")
    leaked = api.get(f"deployments/{deployment}")["global_concurrency_limit"]
    api.patch(f"v2/concurrency_limits/{leaked['id']}", {"active_slots": 1})
    guard = Guard(api, tag(workspace), {})
    assert guard.look() == []
    assert "freed a slot" in guard.look()[0]
    assert slots(api, deployment) == 0


@pytest.mark.slow
def test_of_runs_that_came_due_while_nobody_served_only_the_last_is_made(
    root: Path, api: Api
) -> None:
    workspace = Workspace(root)
    run, deployment = busy_run(api, workspace)
    api.post(f"flow_runs/{run['id']}/set_state", {"state": {"type": "COMPLETED"}})
    hour = timedelta(hours=1)
    for ago in (3, 2, 1):
        when = (datetime.now(UTC) - ago * hour).isoformat()
        due = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": when}}}
        api.post(f"deployments/{deployment}/create_flow_run", due)
    assert (
        "3 runs came due while nobody served; skipped: 2"
        in Guard(api, tag(workspace), {}).skip_overdue()[0]
    )
    assert overview(api, tag(workspace))[0].ended["skipped"] == 2


@pytest.mark.slow
def test_the_automation_is_made_once_and_mended_when_somebody_changed_it(api: Api) -> None:
    named = {"automations": {"name": {"any_": [AUTOMATION]}}}
    make_automation(api)
    make_automation(api)
    (one,) = api.post("automations/filter", named)
    assert one["trigger"]["within"] < 60
    api.patch(f"automations/{one['id']}", {"enabled": False})
    make_automation(api)
    (mended,) = api.post("automations/filter", named)
    assert mended["enabled"]


@pytest.mark.slow
def test_status_shows_the_next_runs_and_how_the_last_ones_ended(
    root: Path, api: Api, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(root)
    workspace.catalog.ready()
    _, deployment = busy_run(api, workspace, "seen")
    schedule = {"schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, "active": True}
    api.post(f"deployments/{deployment}/schedules", [schedule])  # type: ignore[arg-type]
    write_served_at(workspace, url)
    assert run(["status", "--workspace", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "0 2 * * * Europe/Berlin" in shown
    assert "naps/seen-" in shown


def write_served_at(workspace: Workspace, url: str) -> None:
    (workspace.root / ".prefect").mkdir(exist_ok=True)
    write_served(workspace, Served(os.getpid(), url))


def test_status_needs_no_server(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Workspace(root).catalog.ready()
    assert run(["status", "--workspace", str(root)]) == 0
    assert "schedule" not in capsys.readouterr().out
    write_served_at(Workspace(root), "http://127.0.0.1:9/api")
    assert run(["status", "--workspace", str(root)]) == 0
    assert "no server answers at http://127.0.0.1:9/api" in capsys.readouterr().out


def test_the_shipped_file_is_put_where_there_is_none_and_its_flows_take_its_parameters(
    root: Path,
) -> None:
    from prefect.flows import load_flow_from_entrypoint

    workspace = Workspace(root)
    path = own_file(workspace)
    assert path.read_text() == (REPOSITORY / "prefect.yaml").read_text()
    wanted = completed(yaml.safe_load(path.read_text()), workspace, path)["deployments"]
    assert {one["name"] for one in wanted} == {"nightly", "weekly"}
    for one in wanted:
        flow = load_flow_from_entrypoint(one["entrypoint"])
        flow.validate_parameters(one["parameters"])


def test_what_the_file_says_is_kept(root: Path) -> None:
    said = {
        "name": "x",
        "entrypoint": "flows.refresh.refresh",
        "parameters": {"workspace": "elsewhere"},
        "tags": ["mine"],
        "concurrency_limit": 3,
        "work_pool": {"name": "big", "job_variables": {"env": {"A": "1"}, "stream_output": True}},
    }
    (done,) = completed({"deployments": [said]}, Workspace(root), Path("f"))["deployments"]
    assert done["concurrency_limit"] == 3
    assert done["parameters"] == {"workspace": "elsewhere"}
    assert done["work_pool"]["name"] == "big"
    assert done["work_pool"]["job_variables"]["stream_output"] is True
    assert done["work_pool"]["job_variables"]["env"]["A"] == "1"
    assert done["tags"][0] == "mine"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"deployments": [{"name": "x"}]}, "needs a name and an entrypoint"),
        (
            {"deployments": [{"name": "x", "entrypoint": "a:b"}] * 2},
            "two deployments are called 'x'",
        ),
    ],
)
def test_a_file_that_cannot_be_deployed_says_why(
    root: Path, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(WrongUse, match=said):
        completed(wrong, Workspace(root), Path("prefect.yaml"))


def test_a_remote_server_that_is_away_is_not_replaced_by_one_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "http://192.0.2.1:4200/api")
    monkeypatch.setattr(Api, "answers", lambda _: False)
    with pytest.raises(WrongUse, match="no Prefect server answers at http://192"):
        choose(None, None)


def test_the_active_profile_of_prefect_says_where_the_server_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    (tmp_path / "profiles.toml").write_text(
        'active = "lab"\n[profiles.lab]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    )
    address = choose(None, None)
    assert (address.url, address.port, address.joined) == ("http://127.0.0.1:9/api", 9, False)


def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(ServerAway, match=r"http://127\.0\.0\.1:9/api does not answer"):
        Api("http://127.0.0.1:9/api").get("health")


def test_heartbeats_missed_while_the_server_was_away_are_forgiven(tmp_path: Path) -> None:
    database = tmp_path / "prefect.db"
    forgive_silence(database)
    with sqlite3.connect(database) as connection:
        connection.execute('create table automation_bucket ("end" datetime)')
        connection.execute("insert into automation_bucket values ('2020-01-01 00:00:00.000000')")
    forgive_silence(database)
    with sqlite3.connect(database) as connection:
        (end,) = connection.execute('select "end" from automation_bucket').fetchone()
    assert datetime.fromisoformat(end).replace(tzinfo=UTC) > datetime.now(UTC)


def test_a_process_is_a_run_s_only_when_it_says_so(working: Any) -> None:
    process = working("a")
    assert is_run(process.pid, "a")
    assert not is_run(process.pid, "b")
    assert not is_run(os.getpid(), "a")


PARENT = """
import os, sys
from pathlib import Path
from flows.serving.children import Child
child = Child("x", ["http.server", "0"], dict(os.environ), Path(sys.argv[1]))
child.start()
print(child._process.pid, flush=True)
input()
"""


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_does_not_outlive_us(tmp_path: Path, signal_: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal_)
    parent.wait()
    deadline = time.monotonic() + 30
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    child = Child("x", ["no_such_module"], dict(os.environ), tmp_path / "log")
    child.start()
    child._process.wait()  # type: ignore[union-attr]
    child.restart()
    child.restart()
    assert not child.due()
    assert child._wait == 4.0
    child.stop()


@pytest.mark.slow
def test_a_flow_that_fails_to_deploy_names_its_file(root: Path, url: str, api: Api) -> None:
    from flows.serving.deploying import deploy, make_pool

    make_pool(api)
    text = "deployments: [{name: bad, entrypoint: nowhere.py:nothing}]"
    (root / "prefect.yaml").write_text(text)
    with pytest.raises(Failed, match=r"prefect\.yaml could not be deployed"):
        deploy(api, Workspace(root), dict(os.environ) | {"PREFECT_API_URL": url})
