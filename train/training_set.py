"""A dataset version as training finds it: its rows in order, and proof that it is unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.curation.manifest import read_manifest
from pipelines.curation.reader import ShardReader
from pipelines.policies.render import ReadMedia
from pipelines.workspace import Workspace, WrongUse
from train.data import Row


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The training rows of one frozen dataset version."""

    dataset: str
    version: int
    manifest_hash: str
    rows: Sequence[Row]
    read: ReadMedia
    """Gives the bytes of a medium of these rows, which stay on disk until then."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.dataset}@{self.version}"

    @property
    def sample_ids(self) -> list[str]:
        """Sample ids in the order of positions."""
        return [row.sample.sample_id for row in self.rows]


def open_training_set(workspace: Workspace, dataset: str, version: int | None) -> TrainingSet:
    """Read the shards of a version; the newest when none is given.

    Raises WrongUse when there is no such version or it is not the one that the catalog knows,
    and DatasetError when a shard is missing or damaged.
    """
    known = _known(workspace.catalog, dataset, version)
    folder = workspace.datasets / dataset / str(known["version"])
    manifest = read_manifest(folder)
    if manifest.manifest_hash != known["manifest_hash"]:
        raise WrongUse(
            f"the manifest in {folder} is not the one that {manifest.label} was frozen with; "
            "`curricle doctor --repair` rebuilds it, or curate a new one"
        )
    shards = ShardReader(folder)
    rows = [
        Row(
            position=int(row["position"]),
            stage=int(row["stage"]),
            sample=sample,
            padded=bool(row["padded"]),
            pass_rate=row["pass_rate"],
        )
        for row, sample in map(shards.sample, range(len(shards)))
        if row["split"] == "train"
    ]
    if not rows:
        raise WrongUse(f"{manifest.label} has no training rows; curate it again")
    return TrainingSet(dataset, manifest.version, manifest.manifest_hash, rows, shards.read)


def refuse_held_out(catalog: Catalog, rows: TrainingSet) -> None:
    """Raise WrongUse when a row is, or has come to be, held out for measuring."""
    with catalog.read() as connection:
        connection.register("rows_of_run", pa.table({"sample_id": rows.sample_ids}))
        found = connection.execute(
            "select sample_id, split from sample_splits join rows_of_run using (sample_id) "
            "where split <> 'train' order by sample_id"
        ).fetchone()
    if found:
        raise WrongUse(
            f"{rows.name} holds sample {found[0][:12]}, which is {found[1]} now; "
            "curate it again, so that what is measured on is not trained on"
        )


def _known(catalog: Catalog, dataset: str, version: int | None) -> dict[str, Any]:
    rows = catalog.rows(
        "select version, manifest_hash from datasets where dataset = ? order by version", dataset
    )
    if not rows:
        raise WrongUse(f"there is no dataset {dataset!r}; make one with `curricle curate`")
    found = [row for row in rows if version in (None, row["version"])]
    if not found:
        newest = rows[-1]["version"]
        raise WrongUse(f"there is no {dataset}@{version}; the newest is {dataset}@{newest}")
    return found[-1]
