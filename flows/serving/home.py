"""Where `curricle serve` keeps what it needs to remember: `.prefect/` in the workspace."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.workspace import Workspace, WrongUse

HOME = ".prefect"


@dataclass
class Served:
    """What is known of a served workspace; written down so that others, and a restart, know it."""

    pid: int = 0
    url: str = ""
    seen: dict[str, int] = field(default_factory=dict)
    """Runs whose process was seen on this machine, with its number."""


def home(workspace: Workspace) -> Path:
    """Give the folder of Prefect's database, of our notes and of the logs."""
    return workspace.root / HOME


def tag(workspace: Workspace) -> str:
    """Give the tag that every deployment of a workspace carries."""
    return f"workspace:{workspace.root}"


def read_served(workspace: Workspace) -> Served:
    """Read what the last `curricle serve` wrote down; empty where none has."""
    try:
        noted: dict[str, Any] = json.loads((home(workspace) / "served.json").read_text())
        return Served(**noted)
    except (OSError, ValueError, TypeError):
        return Served()


def write_served(workspace: Workspace, served: Served) -> None:
    """Write it down, whole or not at all."""
    target = home(workspace) / "served.json"
    draft = target.with_suffix(".new")
    draft.write_text(json.dumps(asdict(served)))
    draft.replace(target)


def served_url(workspace: Workspace) -> str:
    """Give the address of the server that runs this workspace's schedule; empty where none is known."""
    return os.environ.get("PREFECT_API_URL") or read_served(workspace).url


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Serve a workspace once. Raises WrongUse, naming who serves it already.

    The kernel frees the lock when its holder dies, so nothing stale is left behind.
    """
    folder = home(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if not _locked(descriptor):
            known = read_served(workspace)
            where = f" at {known.url}" if known.url else ""
            raise WrongUse(
                f"{workspace.root} is served already{where}, by process {known.pid}; stop that "
                "one first, or add a worker with --worker-only"
            )
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
