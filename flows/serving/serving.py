"""`curricle serve`: a server, the deployments, a worker, and a watch over all of them."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from flows.serving.address import Address, choose, wait_until_ready
from flows.serving.api import Api
from flows.serving.children import Child, end_family
from flows.serving.deploying import POOL, deploy, make_pool, own_file
from flows.serving.guard import Guard, forgive_silence, make_automation
from flows.serving.home import Served, alone, home, read_served, tag, write_served
from flows.serving.journal import Journal, introduced
from flows.serving.overview import Deployed, overview
from pipelines.workspace import CONFIG_NAME, Failed, Workspace, WrongUse

_LOOK_SECONDS = 5.0
_SCHEDULER_SECONDS = 10.0
_RUN_GRACE = 30.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What of it is wanted on this machine."""

    host: str | None = None
    port: int | None = None
    worker: bool = True
    worker_only: bool = False
    limit: int | None = None


def serve(workspace: Workspace, wish: Wish, say: Say) -> None:
    """Serve until told to stop. Raises WrongUse when it is served already or cannot be."""
    if not (workspace.root / CONFIG_NAME).is_file():
        raise WrongUse(f"{workspace.root} has no {CONFIG_NAME}; run `curricle init` first")
    home(workspace).mkdir(exist_ok=True)
    with ExitStack() as held, _signals() as stopping:
        if not wish.worker_only:
            held.enter_context(alone(workspace))
        address = choose(wish.host, wish.port, must_answer=wish.worker_only)
        service = Service(workspace, address, wish, say)
        held.callback(service.stop)
        service.start(stopping)
        while not stopping.wait(_LOOK_SECONDS):
            service.look()
        say("stopping; a run that is ended by this goes on where it was the next time")


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """Give what the first signal sets. The second one ends us at once, and our children with us."""
    stopping = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(130)
        stopping.set()

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Service:
    """What runs while a workspace is served."""

    def __init__(self, workspace: Workspace, address: Address, wish: Wish, say: Say) -> None:
        self._workspace, self._address, self._wish, self._say = workspace, address, wish, say
        self._api = Api(address.url, timeout=30.0)
        seen = {} if wish.worker_only else read_served(workspace).seen
        self._guard = Guard(self._api, tag(workspace), seen)
        self._journal = Journal(self._api, tag(workspace), datetime.now(UTC))
        self._environment = _environment(workspace, address)
        self._server = None if address.joined else self._child("server", _server_command(address))
        self._worker = self._child(self._log(), self._worker_command()) if wish.worker else None
        self._away = False

    def start(self, stopping: threading.Event) -> None:
        """Start what is to run, and say what that is."""
        if self._server is not None:
            self._say(f"starting a Prefect server at {self._address.url}")
            self._start_server()
            wait_until_ready(self._api, self._server, stopping)
        else:
            self._say(f"joining the Prefect server at {self._address.url}")
        if stopping.is_set():
            return
        make_automation(self._api)
        make_pool(self._api)
        if not self._wish.worker_only:
            changed = deploy(self._api, self._workspace, self._environment)
            what = "deployed" if changed else "deployed before, and unchanged:"
            self._say(f"{what} {own_file(self._workspace)}")
            self._note()
        self._skip_overdue()
        if self._worker is not None:
            self._worker.start()
        self._introduce(stopping)

    def look(self) -> None:
        """Start again what died, crash the runs that did, and say what happened."""
        for child in (self._server, self._worker):
            if child is not None and child.due():
                self._say(f"the {child.name} died; it is started again")
                if child is self._server:
                    forgive_silence(self._database())
                child.restart()
        try:
            self._look_at_runs()
        except Failed as error:
            if not self._away:
                self._say(f"{error}; runs go on, and so do we")
            self._away = True

    def stop(self) -> None:
        """End the worker, then the runs, then the server, so that the runs can report it."""
        if self._worker is not None:
            runs = {*self._guard.orphans(), *self._worker.family()}
            self._worker.ask_to_end()
            end_family(runs, _RUN_GRACE)
            with suppress(Failed):  # those that could not say themselves that they were ended
                self._look_at_runs()
            self._worker.stop()
        if self._server is not None:
            self._server.stop()

    def _look_at_runs(self) -> None:
        if self._away and self._api.answers():
            self._say("the server answers again")
            self._skip_overdue()
            self._away = False
        before = dict(self._guard.seen)
        freed = self._guard.look()
        new = self._guard.seen.keys() - before.keys()
        for line in [*self._journal.started(new), *self._journal.ended(), *freed]:
            self._say(line)
        if self._guard.seen != before:
            self._note()

    def _skip_overdue(self) -> None:
        for line in self._guard.skip_overdue():
            self._say(line)

    def _note(self) -> None:
        if not self._wish.worker_only:
            noted = Served(os.getpid(), self._address.url, self._guard.seen)
            write_served(self._workspace, noted)

    def _introduce(self, stopping: threading.Event) -> None:
        """Say what is served and what comes next, once the scheduler has had its turn."""
        deadline = time.monotonic() + _SCHEDULER_SECONDS
        known = overview(self._api, tag(self._workspace))
        while not _planned(known) and time.monotonic() < deadline and not stopping.wait(1.0):
            known = overview(self._api, tag(self._workspace))
        for line in introduced(known):
            self._say(line)
        work = f"a worker of the pool {POOL!r} runs them here" if self._worker else "no worker here"
        page = self._address.url.removesuffix("/api")
        self._say(f"serving {self._workspace.root}: {work}; to look on: {page}")

    def _start_server(self) -> None:
        forgive_silence(self._database())
        if self._server is not None:
            self._server.start()

    def _database(self) -> Path:
        return Path(self._environment["PREFECT_HOME"]) / "prefect.db"

    def _child(self, name: str, command: list[str]) -> Child:
        log = home(self._workspace) / f"{name}.log"
        return Child(name, command, self._environment, log)

    def _log(self) -> str:
        return f"worker-{os.getpid()}" if self._wish.worker_only else "worker"

    def _worker_command(self) -> list[str]:
        name = f"{socket.gethostname()} {self._workspace.root.name}"
        name += f" {os.getpid()}" if self._wish.worker_only else ""
        limit = [] if self._wish.limit is None else ["--limit", str(self._wish.limit)]
        pool = ["--pool", POOL, "--type", "process", "--install-policy", "never"]
        return ["prefect", "worker", "start", "--name", name, *pool, *limit]


def _planned(known: list[Deployed]) -> bool:
    return all(one.next_runs or not one.schedules for one in known)


def _server_command(address: Address) -> list[str]:
    return ["prefect", "server", "start", "--host", address.host, "--port", str(address.port)]


def _environment(workspace: Workspace, address: Address) -> dict[str, str]:
    """Give what every process is told; what a person says in the environment holds."""
    defaults = {
        # A wait doubles with each try, so that a server may be away for four minutes.
        "PREFECT_CLIENT_MAX_RETRIES": "7",
        "PREFECT_RUNNER_AUTO_INSTALL_DEPENDENCIES": "false",
    }
    if not address.joined:
        defaults |= {
            "PREFECT_HOME": str(home(workspace)),
            # Who holds a slot is known after a restart; in memory, a restart would end the runs.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
                "prefect.server.concurrency.lease_storage.filesystem"
            ),
        }
    return defaults | dict(os.environ) | {"PREFECT_API_URL": address.url}
