"""`curricle init`: a workspace with a commented curricle.toml and a first plan."""

from importlib.resources import files
from pathlib import Path

from flows.cli.common import DEFAULTS, Common, show
from pipelines.workspace import CONFIG_NAME, WrongUse


def init(*, common: Common = DEFAULTS) -> None:
    """Make a workspace: a commented curricle.toml and a first plan, to be edited."""
    workspace = common.open()
    target = workspace.root / CONFIG_NAME
    if target.exists():
        raise WrongUse(f"{target} is there already; edit it, or name another --workspace")
    written = write_example(workspace.root, "example")
    workspace.catalog.ready()
    show(
        {"workspace": workspace.root, "written": written},
        common,
        [f"made {path}" for path in written] + ["edit them, then: curricle ingest CORPUS PATH"],
    )


def write_example(root: Path, name: str) -> list[Path]:
    """Write the settings and the plan that ship under this name."""
    source = files("flows") / "examples"
    pairs = {CONFIG_NAME: f"{name}.toml", f"plans/{name}.toml": f"{name}-plan.toml"}
    written = []
    for place, template in pairs.items():
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((source / template).read_text(encoding="utf-8"), encoding="utf-8")
        written.append(target)
    return written
