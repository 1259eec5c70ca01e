"""`curricle init`: a workspace with a commented curricle.toml and a first plan."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, printable, show
from pipelines.workspace import CONFIG_NAME, Workspace, WrongUse


def init(
    *,
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    name: str | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Make a workspace: a commented curricle.toml and a first plan, to be edited.

    Parameters
    ----------
    from_
        A corpus of your own: look at it, and draft the mapping that brings it in.
    name
        What to call that corpus; by default as its folder is called.
    """
    workspace = common.open()
    if from_ is not None:
        _draft(workspace, from_.absolute(), name, common)
        return
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


def _draft(workspace: Workspace, corpus: Path, name: str | None, common: Common) -> None:
    from flows.stages import draft

    made = draft(workspace, corpus, name)
    if not (workspace.root / CONFIG_NAME).exists():
        write_example(workspace.root, "example")
    workspace.catalog.ready()
    lines = [f"made {made.path}", *(f"  guessed: {one}" for one in made.guessed)]
    lines += [f"  to fill in: {one}" for one in made.missing]
    lines += [
        f"see what it gives: curricle ingest {made.name} {corpus} --map {made.path} --explain 5",
        f"for a refresh, put this into {workspace.root / CONFIG_NAME}:",
        *made.entry.splitlines(),
    ]
    show(made, common, map(printable, lines))


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
