"""A served schedule of a few seconds, whose processes are killed in turn, goes on by itself.

With CURRICLE_TRANSCRIPT=FILE, what was done and what `curricle serve` said is written there.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.serving.api import Api, ServerAway
from flows.serving.home import tag
from pipelines.workspace import Failed, Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

REPOSITORY = Path(__file__).parents[2]
CURRICLE = (sys.executable, "-c", "from flows.cli.main import main; main()")
DEPLOYMENTS = """
deployments:
  - name: short
    entrypoint: naps.py:naps
    parameters: {seconds: 12}
    schedules: [{interval: 10}]
  - name: long
    entrypoint: naps.py:naps
    parameters: {seconds: 100}
"""
FLOW = """
import time
from prefect import flow, task

@task(retries=2, retry_delay_seconds=1)
def nap(seconds):
    for _ in range(seconds):
        time.sleep(1)
        print("asleep", flush=True)

@flow
def naps(seconds):
    nap(seconds)
"""
MINUTE = 60.0
PATIENCE = 300.0
"""What has no promise may take long on a busy machine."""


class Serving:
    """`curricle serve` under way, and all that it has said."""

    def __init__(self, root: Path, *options: str, **environment: str) -> None:
        self.workspace = Workspace(root)
        self.lines: list[str] = []
        self._told = 0
        self.process = subprocess.Popen(
            [*CURRICLE, "serve", "--workspace", str(root), *options],
            env=os.environ
            | {"PYTHONPATH": str(REPOSITORY), "PREFECT_WORKER_QUERY_SECONDS": "2"}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def hears(self, what: str, seconds: float = PATIENCE) -> str:
        """Wait for a line that it had not said when we last listened."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while self._told < len(self.lines):
                line = self.lines[self._told]
                self._told += 1
                if what in line:
                    return line
            time.sleep(0.2)
        raise AssertionError(f"{what!r} was not said within {seconds} s:\n" + "\n".join(self.lines))

    def notes(self, what: str) -> None:
        """Put what we do between what it says."""
        self.lines.append(f"{datetime.now():%H:%M:%S} # {what}")

    def rewinds(self) -> None:
        """Listen again to all that it has said."""
        self._told = 0

    def forgets(self) -> None:
        """Listen only to what it says from now on."""
        self._told = len(self.lines)

    def child(self, kind: str) -> psutil.Process:
        """Find its server or its worker."""
        for process in psutil.Process(self.process.pid).children():
            if kind in process.cmdline():
                return process
        raise AssertionError(f"no {kind} runs")

    def working(self, api: Api, wanted: str = "") -> tuple[str, psutil.Process]:
        """Wait for a run, any or the one, that has begun to work: its name, and its process."""
        self.forgets()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for run in api.busy_runs(tag(self.workspace)):
                pid = str(run["infrastructure_pid"] or "")
                if run["id"] != (wanted or run["id"]) or run["state_type"] != "RUNNING":
                    continue
                if pid.isdigit() and psutil.pid_exists(int(pid)):
                    time.sleep(2.0)  # into its task
                    return str(run["name"]), psutil.Process(int(pid))
            time.sleep(0.2)
        raise AssertionError("no run started")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "curricle.toml").write_text("")
    (tmp_path / "prefect.yaml").write_text(DEPLOYMENTS)
    (tmp_path / "naps.py").write_text(FLOW)
    return tmp_path


@pytest.fixture
def served(root: Path) -> Iterator[Callable[..., Serving]]:
    port = str(20000 + os.getpid() % 20000)
    started: list[Serving] = []

    def serve(*options: str, **environment: str) -> Serving:
        own = () if "--worker-only" in options else ("--port", port)
        started.append(Serving(root, *own, *options, **environment))
        started[-1].hears("serving ")
        return started[-1]

    yield serve
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(120)
    if "CURRICLE_TRANSCRIPT" in os.environ:
        text = "\n".join(line for one in started for line in one.lines)
        Path(os.environ["CURRICLE_TRANSCRIPT"]).write_text(text.replace(str(root), "work") + "\n")


def api_of(serving: Serving) -> Api:
    port = next(line for line in serving.lines if "Prefect server at" in line).split()[-1]
    return Api(port, timeout=30)


def run_once(api: Api, serving: Serving, name: str) -> str:
    (one,) = [d for d in api.deployments(tag(serving.workspace)) if d["name"] == name]
    return str(api.post(f"deployments/{one['id']}/create_flow_run", {"state": None})["id"])


def ended(api: Api, run: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            found: dict[str, Any] = api.get(f"flow_runs/{run}")
        except (ServerAway, Failed):
            found = {"state_type": "?"}
        if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return found
        time.sleep(1)
    raise AssertionError("the run did not end")


def test_a_schedule_survives_the_death_of_each_of_its_processes(
    served: Callable[..., Serving],
) -> None:
    serving = served()
    api = api_of(serving)
    serving.hears("short: 1 skipped")
    serving.hears("completed")

    name, run = serving.working(api)
    serving.notes(f"kill -9 of the process of {name}")
    run.kill()
    serving.hears(f"{name} crashed", MINUTE)
    serving.hears("started")

    name, _ = serving.working(api)
    serving.notes(f"kill -9 of the worker; {name} goes on")
    serving.child("worker").kill()
    serving.hears("the worker died; it is started again", MINUTE)
    serving.hears(f"{name} completed")
    serving.hears("started")

    name, run = serving.working(api)
    serving.notes(f"kill -9 of the worker and of {name}")
    serving.child("worker").kill()
    run.kill()
    serving.hears(f"{name} crashed: Its process is gone.", MINUTE)
    serving.hears("started")

    name, _ = serving.working(api)
    serving.notes(f"kill -9 of the server, while {name} is at work")
    serving.child("server").kill()
    serving.hears("the server died; it is started again", MINUTE)
    serving.hears(f"{name} completed")
    serving.hears("started")

    name, run = serving.working(api)
    serving.notes(f"kill -9 of all: `curricle serve`, the server, the worker and {name}")
    worker, server = serving.child("worker"), serving.child("server")
    for process in (serving.process, worker, run, server):
        process.kill()
    serving.process.wait()

    again = served()
    again.rewinds()
    again.hears(f"{name} crashed: Its process is gone.", MINUTE)
    again.hears("started")
    again.hears("completed")

    name, _ = again.working(api)
    again.notes(f"SIGTERM to `curricle serve`, while {name} is at work")
    again.process.send_signal(signal.SIGTERM)
    again.hears(f"{name} crashed")
    assert again.process.wait(120) == 0
    assert leftovers(again.workspace.root) == []


def leftovers(root: Path) -> list[int]:
    """Find processes that still work for a workspace."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.environ()
        except psutil.Error:
            continue
        if words.get("PREFECT_HOME") == str(root / ".prefect"):
            found.append(process.pid)
    return found


def test_a_server_that_is_away_for_a_minute_fails_no_run(served: Callable[..., Serving]) -> None:
    serving = served()
    api = api_of(serving)
    run = run_once(api, serving, "long")
    serving.hears("long")
    server = serving.child("server")
    server.suspend()
    serving.notes("the server is stopped for a minute")
    time.sleep(MINUTE)
    server.resume()
    serving.notes("and goes on")
    assert ended(api, run)["state_type"] == "COMPLETED"


def test_two_workers_share_the_runs_of_a_pool(served: Callable[..., Serving]) -> None:
    first = served("--limit", "1")
    api = api_of(first)
    second = served("--worker-only", "--limit", "1", PREFECT_API_URL=api.url)
    run_once(api, first, "long")
    # Each takes one run at a time, so that the long one leaves the short ones to the other.
    first.hears("long")
    first.hears("short")
    seen = [psutil.Process(one.child("worker").pid) for one in (first, second)]
    deadline = time.monotonic() + PATIENCE
    while not all(worker.children() for worker in seen) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert all(worker.children() for worker in seen)


def test_a_run_of_a_machine_that_died_is_crashed_when_its_heartbeat_stops(
    served: Callable[..., Serving],
) -> None:
    head = served("--no-worker")
    api = api_of(head)
    further = served("--worker-only", PREFECT_API_URL=api.url)
    run = run_once(api, head, "long")
    _, worked = further.working(api, run)
    time.sleep(5)  # its first heartbeat is on its way
    # Both look at the same processes here, so that whoever could see this one dead is stopped.
    head.process.send_signal(signal.SIGSTOP)
    for process in (further.process, worked):
        process.kill()
    found = ended(api, run)
    head.process.send_signal(signal.SIGCONT)
    assert found["state_type"] == "CRASHED"
    assert "No heartbeat" in found["state"]["message"]
