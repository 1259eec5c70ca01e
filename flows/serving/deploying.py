"""From `prefect.yaml` to deployments on the server, by `prefect deploy`.

The workspace's file says when which flow runs; what it leaves open is filled in here: the work
pool, one run at a time, the workspace, and a tag by which its deployments are found again.
"""

import hashlib
import json
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from flows.serving.api import Api
from flows.serving.home import home, tag
from pipelines.workspace import Failed, Workspace, WrongUse

POOL = "local"
FILE_NAME = "prefect.yaml"
HEARTBEAT_SECONDS = 30
"""The shortest that Prefect allows."""
_STATE_TAG = "deployed:"
_PREFECT = (sys.executable, "-m", "prefect")


def own_file(workspace: Workspace) -> Path:
    """Find the workspace's prefect.yaml; the one that ships is put there where there is none."""
    path = workspace.root / FILE_NAME
    if not path.exists():
        shipped = files("flows") / "examples" / FILE_NAME
        path.write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def deploy(api: Api, workspace: Workspace, environment: dict[str, str]) -> bool:
    """Bring the server to what prefect.yaml says; False when it was there already.

    Raises WrongUse for a file that cannot be deployed, naming what is wrong.
    """
    path = own_file(workspace)
    wanted = completed(_read(path), workspace, path)
    state = wanted["deployments"][0]["tags"][-1] if wanted["deployments"] else ""
    names = {one["name"] for one in wanted["deployments"]}
    there = api.deployments(tag(workspace))
    if {one["name"] for one in there} == names and all(state in one["tags"] for one in there):
        return False
    _check_ours(api, wanted, workspace)
    if names:
        _deploy(wanted, workspace, path, environment)
    for one in api.deployments(tag(workspace)):
        if state not in one["tags"] or not names:
            api.delete(f"deployments/{one['id']}")
    return True


def make_pool(api: Api) -> None:
    """Make the work pool when it is missing; its first worker fills in what a job may say."""
    if api.get(f"work_pools/{POOL}") is None:
        api.post("work_pools/", {"name": POOL, "type": "process"})


def completed(wanted: dict[str, Any], workspace: Workspace, path: Path) -> dict[str, Any]:
    """Fill in what a file leaves open. Raises WrongUse when it is no list of deployments."""
    deployments = wanted.get("deployments") or []
    if not isinstance(deployments, list) or not all(
        isinstance(one, dict) and one.get("name") and one.get("entrypoint") for one in deployments
    ):
        raise WrongUse(f"{path}: each of `deployments` needs a name and an entrypoint")
    names = [str(one["name"]) for one in deployments]
    if twice := {name for name in names if names.count(name) > 1}:
        raise WrongUse(f"{path}: two deployments are called {min(twice)!r}")
    filled = [_filled(dict(one), workspace) for one in deployments]
    whole = wanted | {"deployments": filled}
    content = json.dumps([whole, version("curricle"), version("prefect")], default=str)
    state = _STATE_TAG + hashlib.sha256(content.encode()).hexdigest()[:12]
    for one in filled:
        one["tags"] = [*one["tags"], state]
    return whole


def _filled(one: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    pool: dict[str, Any] = {"name": POOL} | dict(one.get("work_pool") or {})
    variables: dict[str, Any] = dict(pool.get("job_variables") or {})
    # A pipe to a worker that is killed would break, and take a run that prints with it.
    variables.setdefault("stream_output", False)
    variables["env"] = {
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
        "PREFECT_LOGGING_EXTRA_LOGGERS": "curricle",
    } | dict(variables.get("env") or {})
    one["work_pool"] = pool | {"job_variables": variables}
    one.setdefault(
        "concurrency_limit",
        {"limit": 1, "collision_strategy": "CANCEL_NEW", "grace_period_seconds": 60},
    )
    if str(one["entrypoint"]).startswith("flows."):
        one["parameters"] = {"workspace": str(workspace.root)} | dict(one.get("parameters") or {})
    one["tags"] = [*(one.get("tags") or []), "curricle", tag(workspace)]
    return one


def _read(path: Path) -> dict[str, Any]:
    try:
        wanted = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise WrongUse(f"{path} is not YAML: {said}") from error
    if not isinstance(wanted, dict):
        raise WrongUse(f"{path} says nothing; it needs a list `deployments`")
    return wanted


def _check_ours(api: Api, wanted: dict[str, Any], workspace: Workspace) -> None:
    """Refuse to take a deployment over that another workspace put on the same server."""
    ours = tag(workspace)
    others = {
        (one["name"], one["entrypoint"]): next(
            (said for said in one["tags"] if said.startswith("workspace:")), ""
        )
        for one in api.deployments("curricle")
        if ours not in one["tags"]
    }
    for one in wanted["deployments"]:
        owner = others.get((one["name"], one["entrypoint"]))
        if owner:
            raise WrongUse(
                f"the server at {api.url} has a deployment {one['name']!r} of "
                f"{one['entrypoint']} that is of {owner}; give yours another name in {FILE_NAME}"
            )


def _deploy(
    wanted: dict[str, Any], workspace: Workspace, path: Path, environment: dict[str, str]
) -> None:
    filled = home(workspace) / FILE_NAME
    filled.parent.mkdir(exist_ok=True)
    filled.write_text(yaml.safe_dump(wanted, sort_keys=False), encoding="utf-8")
    done = subprocess.run(
        [*_PREFECT, "--no-prompt", "deploy", "--all", "--prefect-file", str(filled)],
        cwd=workspace.root,
        env=environment | {"COLUMNS": "400", "PREFECT_LOGGING_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    if done.returncode:
        lines = [line.strip(" │╭╮╰╯─") for line in said.splitlines()]
        last = next((line for line in reversed(lines) if line), "it does not say why")
        raise Failed(f"{path} could not be deployed: {last}")
    deployed = {
        one["name"] for one in Api(environment["PREFECT_API_URL"]).deployments(tag(workspace))
    }
    if missing := {one["name"] for one in wanted["deployments"]} - deployed:
        raise Failed(f"{path}: {min(missing)!r} could not be deployed: {said.strip()[-300:]}")
