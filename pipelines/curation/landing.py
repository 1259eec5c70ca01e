"""How a version lands: written aside, then moved to its place and registered in one burst.

The burst holds the catalog alone, so a folder that stands at a version's place and is not
registered was left by a killed process, and is replaced.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.ledger import append
from pipelines.catalog.lock import workspace_lock
from pipelines.curation.manifest import Manifest
from pipelines.curation.places import Places, dataset_rows
from pipelines.record.canonical import canonical_json
from pipelines.record.writing import writing
from pipelines.workspace import Workspace

PARTIAL = ".tmp-"


@dataclass(frozen=True)
class Draft:
    """A version that is written, sealed and not yet in its place."""

    manifest: Manifest
    places: Places
    folder: Path


@contextmanager
def dataset_held(workspace: Workspace, name: str) -> Iterator[Path]:
    """Hold a dataset for freezing, and give the empty folder to write in.

    What a killed process left half written is removed.
    """
    folder = workspace.datasets / name
    with workspace_lock(folder / ".lock", exclusive=True, timeout=workspace.catalog.lock_timeout):
        for left in folder.glob(f"{PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        partial = folder / f"{PARTIAL}{os.getpid()}"
        partial.mkdir()
        try:
            with writing(folder):
                yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def version_folder(workspace: Workspace, name: str, version: int) -> Path:
    """Where a version lies."""
    return workspace.datasets / name / str(version)


def land(workspace: Workspace, drafts: Sequence[Draft]) -> None:
    """Move every draft to its place and register all of them, or none."""
    with workspace.catalog.write() as connection:
        for draft in drafts:
            place_folder(workspace, draft.manifest, draft.folder)
            _register(connection, draft)


def place_folder(workspace: Workspace, manifest: Manifest, folder: Path) -> None:
    """Move a written folder to its version's place, replacing what stands there."""
    target = version_folder(workspace, manifest.dataset, manifest.version)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.replace(folder.with_name(f"{folder.name}-replaced"))
    folder.replace(target)


def _register(connection: Connection, draft: Draft) -> None:
    manifest = draft.manifest
    row = {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "kind": manifest.kind,
        "control_of": manifest.control_of,
        "plan": canonical_json(manifest.plan),
        "plan_name": manifest.plan["name"],
        "manifest": manifest.text(),
        "manifest_hash": manifest.manifest_hash,
        "selection_hash": manifest.selection_hash,
        "n_rows": manifest.rows,
        "predicted_zero_advantage": float(manifest.predicted_zero_advantage),
        "path": f"datasets/{manifest.dataset}/{manifest.version}",
        "created_at": now(),
    }
    for table in ("datasets", "dataset_samples"):  # of a version that lost some of its rows
        connection.execute(
            f"delete from {table} where dataset = ? and version = ?",
            [manifest.dataset, manifest.version],
        )
    append(connection, "datasets", pa.Table.from_pylist([row]))
    split = manifest.plan["split"]
    for rows in dataset_rows(manifest.dataset, manifest.version, split, draft.places):
        append(connection, "dataset_samples", rows)
