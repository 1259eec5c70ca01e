"""Ways to break a workspace, and to see what is found."""

from pathlib import Path

import duckdb

from pipelines.doctor import Finding, examine
from pipelines.workspace import Workspace

RUN_DEAD = "insert into runs (run_id, dataset, version, status) values ('r', 'small', 1, 'running')"
LONG_AGO = 1_000_000_000


def checks(workspace: Workspace, *, quick: bool = False) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(workspace, quick=quick)}


def execute(workspace: Workspace, statement: str) -> None:
    with workspace.catalog.write() as connection:
        connection.execute(statement)
    workspace.catalog.snapshot()


def a_medium(workspace: Workspace) -> Path:
    return sorted(workspace.media.root.glob("??/*"))[0]


def flip(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def write_in(workspace: Workspace) -> None:
    """Leave a log of three commits, as a killed process does."""
    with duckdb.connect(workspace.catalog.path) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        for name in ("one", "two", "three"):
            connection.execute("insert into templates values (?, ?, 1, '{}')", [name, name])
    assert workspace.catalog.log_path.exists()
