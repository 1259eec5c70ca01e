"""Which server a workspace is served by: the one that Prefect is set up for, else one of our own."""

import os
import socket
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from flows.serving.api import Api
from flows.serving.children import Child, last_words
from pipelines.workspace import Failed, WrongUse

HOST, PORT = "127.0.0.1", 4200
_LOCAL = ("127.0.0.1", "localhost", "::1")
_START_SECONDS = 180.0
_PORT_SECONDS = 15.0


@dataclass(frozen=True)
class Address:
    """Where the server is, or is to be."""

    url: str
    host: str
    port: int
    joined: bool
    """Whether it is there already; else it is ours to start and to keep."""


def choose(host: str | None, port: int | None, *, must_answer: bool = False) -> Address:
    """Find the server to join, or say where ours is to be. Raises WrongUse when neither can be."""
    configured = "" if host or port else _configured()
    if not configured:
        return _own(host or HOST, port or PORT, must_answer=must_answer)
    parts = urlsplit(configured)
    there = Address(configured.rstrip("/"), parts.hostname or HOST, parts.port or 80, True)
    if Api(configured).answers():
        return there
    if must_answer or there.host not in _LOCAL:
        raise WrongUse(
            f"no Prefect server answers at {configured}; start it, or unset PREFECT_API_URL to "
            "have one started here"
        )
    return _own(there.host, there.port)


def _own(host: str, port: int, *, must_answer: bool = False) -> Address:
    if must_answer:
        raise WrongUse("a worker needs a server: say in PREFECT_API_URL where it is")
    deadline = time.monotonic() + _PORT_SECONDS  # the server of a killed `serve` is on its way out
    while _taken(host, port):
        if time.monotonic() > deadline:
            raise WrongUse(
                f"port {port} of {host} is taken; give another --port, or if a Prefect server is "
                f"there, join it with PREFECT_API_URL=http://{host}:{port}/api"
            )
        time.sleep(0.5)
    return Address(f"http://{host}:{port}/api", host, port, False)


def wait_until_ready(api: Api, server: Child, stopping: Event) -> None:
    """Wait for a server that has just been started. Raises Failed, with its last words."""
    deadline = time.monotonic() + _START_SECONDS
    while not stopping.wait(0.25) and not api.answers():
        if not server.alive() or time.monotonic() > deadline:
            raise Failed(f"the Prefect server did not start: {last_words(server.log)}")


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return True
    return False


def _configured() -> str:
    """Read the server's address from the environment, else from Prefect's active profile.

    What the profile says of its key goes into the environment, where we look for it too.
    """
    for name, value in _profile().items():
        if name.startswith("PREFECT_API_"):
            os.environ.setdefault(name, str(value))
    return os.environ.get("PREFECT_API_URL", "")


def _profile() -> dict[str, object]:
    folder = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    path = Path(os.environ.get("PREFECT_PROFILES_PATH") or folder / "profiles.toml")
    try:
        profiles = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    name = os.environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    settings = profiles.get("profiles", {}).get(name, {})
    return settings if isinstance(settings, dict) else {}
