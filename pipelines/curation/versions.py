"""The versions that are there: finding the last one, checking one, rebuilding one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.catalog.samples import load_samples
from pipelines.curation.cards import copy_card, write_card
from pipelines.curation.ids import Ids
from pipelines.curation.landing import dataset_held, place_folder, version_folder
from pipelines.curation.manifest import (
    MANIFEST_NAME,
    DatasetError,
    Manifest,
    ShardFile,
    parse_manifest,
    read_manifest,
)
from pipelines.curation.places import Places, selection_hash
from pipelines.curation.shards import require_whole, write_shards
from pipelines.record.media import BadMedia
from pipelines.record.sample import Sample, Split
from pipelines.workspace import Progress, Workspace, silent


@dataclass(frozen=True)
class Version:
    """A registered version."""

    manifest: Manifest
    control: Manifest | None
    """The control that was drawn with it."""


def last_version(workspace: Workspace, name: str) -> Version | None:
    """Give the newest registered version of a dataset; None when there is none."""
    rows = workspace.catalog.rows(
        "select version from datasets where dataset = ? order by version desc limit 1", name
    )
    if not rows:
        return None
    manifest = registered(workspace, name, rows[0]["version"])
    if manifest.control is None:
        return Version(manifest, None)
    control, _, version = manifest.control.rpartition("@")
    try:
        return Version(manifest, registered(workspace, control, int(version)))
    except DatasetError:
        return Version(manifest, None)  # restored from its own folder alone


def registered(workspace: Workspace, name: str, version: int) -> Manifest:
    """Give the manifest that the catalog holds. Raises DatasetError for an unknown version."""
    rows = workspace.catalog.rows(
        "select manifest from datasets where dataset = ? and version = ?", name, version
    )
    if not rows:
        known = workspace.catalog.rows(
            "select distinct dataset || '@' || version as label from datasets order by all"
        )
        labels = ", ".join(row["label"] for row in known) or "none"
        raise DatasetError(f"there is no dataset {name}@{version}; there are: {labels}")
    return parse_manifest(rows[0]["manifest"], f"the catalog's manifest of {name}@{version}")


def verify(workspace: Workspace, name: str, version: int) -> Manifest:
    """Compare a version's files with the catalog's manifest.

    Raises DatasetError, naming the manifest or every shard that is missing or damaged.
    """
    manifest = registered(workspace, name, version)
    folder = version_folder(workspace, name, version)
    if read_manifest(folder).manifest_hash != manifest.manifest_hash:
        raise DatasetError(f"{folder / MANIFEST_NAME} is not the manifest of {manifest.label}")
    require_whole(folder, manifest)
    return manifest


def rebuild(workspace: Workspace, name: str, version: int, progress: Progress = silent) -> Path:
    """Write a version again from its manifest and the catalog, and put it in its place.

    Raises DatasetError, and leaves what stands there, when the bytes would not be the same.
    """
    manifest = registered(workspace, name, version)
    _refuse_withdrawn(workspace, manifest)
    places = places_of(workspace, manifest)
    if selection_hash(manifest.plan["split"], places) != manifest.selection_hash:
        raise DatasetError(f"the catalog's rows of {manifest.label} are not those of its manifest")
    with dataset_held(workspace, name) as partial:
        folder = partial / name
        shards = write_version(workspace, folder, manifest.plan["split"], places, progress)
        _require_same(manifest, shards)
        finish_folder(folder, manifest)
        place_folder(workspace, manifest, folder)
    copy_card(workspace, manifest)
    return version_folder(workspace, name, version)


def write_version(
    workspace: Workspace,
    folder: Path,
    split: Split,
    places: Places,
    progress: Progress = silent,
) -> tuple[ShardFile, ...]:
    """Write the shards of a version. Raises DatasetError when a medium is gone or damaged."""
    folder.mkdir(parents=True)

    def load(sample_ids: Sequence[str]) -> list[Sample]:
        return load_samples(workspace.catalog, sample_ids)

    try:
        return write_shards(
            folder, places, load, split=split, read=workspace.media.read, progress=progress
        )
    except BadMedia as error:
        raise DatasetError(str(error)) from error


def finish_folder(folder: Path, manifest: Manifest) -> None:
    """Add manifest and card to the shards: the folder is whole."""
    (folder / MANIFEST_NAME).write_text(manifest.text(), encoding="utf-8")
    write_card(folder, manifest)


def places_of(workspace: Workspace, manifest: Manifest) -> Places:
    """Give the rows of a registered version, as they were laid out."""
    rows = workspace.catalog.table(
        "select sample_id, stage, padded, tries, pass_rate from dataset_samples "
        "where dataset = ? and version = ? order by position",
        manifest.dataset,
        manifest.version,
    ).combine_chunks()
    return Places(
        ids=Ids.together(Ids.of_column(part) for part in rows["sample_id"].chunks),
        stages=rows["stage"].to_numpy(),
        padded=rows["padded"].to_numpy(),
        tries=rows["tries"].to_numpy(),
        pass_rates=rows["pass_rate"].to_numpy(),
    )


def _refuse_withdrawn(workspace: Workspace, manifest: Manifest) -> None:
    """Raise DatasetError, naming one, when samples of a version have been withdrawn since."""
    rows = workspace.catalog.rows(
        "select w.sample_id, any_value(w.reason) as reason, count(*) over ()::integer as samples "
        "from withdrawals w semi join (select sample_id from dataset_samples "
        "where dataset = ? and version = ?) d using (sample_id) "
        "group by w.sample_id order by w.sample_id limit 1",
        manifest.dataset,
        manifest.version,
    )
    for row in rows:
        reason = f" ({row['reason']})" if row["reason"] else ""
        others = f" and {row['samples'] - 1} more" if row["samples"] > 1 else ""
        raise DatasetError(
            f"{manifest.label} holds sample {row['sample_id']}{others}, withdrawn{reason}, and "
            "cannot be rebuilt; curate its plan again"
        )


def _require_same(manifest: Manifest, shards: Sequence[ShardFile]) -> None:
    for made, wanted in zip(shards, manifest.shards, strict=True):
        if made != wanted:
            then = manifest.made_with.get("pyarrow")
            cause = (
                f"it was written with pyarrow {then}, this is {pa.__version__}"
                if then != pa.__version__
                else "what the catalog shows of its samples (corpus, task, licence) has changed"
            )
            raise DatasetError(f"{manifest.label}: {made.name} cannot be rebuilt alike: {cause}")
