"""Bring back a workspace from its backup, or samples and a dataset version from shards alone."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.backup import BackedUp, backup
from pipelines.catalog.catalog import now
from pipelines.catalog.ledger import append_new
from pipelines.catalog.samples import add_samples
from pipelines.curation.cards import copy_card
from pipelines.curation.ids import Ids
from pipelines.curation.landing import Draft, dataset_held, land
from pipelines.curation.manifest import MANIFEST_NAME, DatasetError, Manifest, read_manifest
from pipelines.curation.places import Places, selection_hash
from pipelines.curation.shards import each_sample, require_whole
from pipelines.record.media import inspect
from pipelines.record.sample import Sample
from pipelines.withdrawal import withdrawn_questions
from pipelines.workspace import Progress, Workspace, WrongUse, silent

BATCH = 500
"""Samples whose media are held at a time."""
_PLACES = ["sample_id", "stage", "padded", "tries", "pass_rate"]


@dataclass(frozen=True, slots=True)
class RestoredVersion:
    """What one dataset version brought back."""

    label: str
    samples: int
    """Samples that were not in the catalog."""
    media: int
    """Media that were not in the store, or damaged there."""
    registered: bool
    """False where the catalog had the version already, whole."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    workspace: Path
    versions: tuple[RestoredVersion, ...] = ()
    backup: BackedUp | None = None


def restore(workspace: Workspace, source: Path, progress: Progress = silent) -> Restored:
    """Bring back what a backup, a dataset version or a folder of versions holds.

    Raises WrongUse for a folder that is none of these, DatasetError for a damaged version.
    """
    if (source / "catalog.duckdb").is_file():
        return _restore_backup(workspace, source, progress)
    folders = sorted(path.parent for path in _manifests(source))
    if not folders:
        raise WrongUse(
            f"{source} is neither a backup nor a dataset version: it holds no catalog.duckdb and no "
            f"{MANIFEST_NAME}"
        )
    return Restored(
        workspace.root, tuple(restore_version(workspace, folder, progress) for folder in folders)
    )


def _restore_backup(workspace: Workspace, source: Path, progress: Progress) -> Restored:
    if workspace.catalog.path.exists():
        raise WrongUse(
            f"there is a workspace at {workspace.root}; name a new folder with --workspace"
        )
    done = backup(Workspace(source.absolute()), workspace.root, progress=progress)
    shutil.rmtree(workspace.root / ".backup", ignore_errors=True)
    return Restored(workspace.root, backup=done)


def _manifests(source: Path) -> Iterator[Path]:
    for depth in ("", "*/", "*/*/"):
        yield from source.glob(f"{depth}{MANIFEST_NAME}")


def restore_version(
    workspace: Workspace, folder: Path, progress: Progress = silent
) -> RestoredVersion:
    """Bring the samples and media of a version back, and register it as it was.

    Only its rows come back: no rollouts, and a view's parent only where it is a row itself. Raises
    WrongUse when the workspace has another version of that name or has withdrawn a sample of it.
    """
    manifest = read_manifest(folder)
    require_whole(folder, manifest)
    workspace.catalog.ready()
    _refuse_other(workspace, manifest)
    places = _places(folder, manifest)
    _note_corpora(workspace, manifest)
    new = media = done = 0
    pairs = each_sample(folder, check=False)
    while batch := [sample for _, sample in islice(pairs, BATCH)]:
        media += _put_media(workspace, batch)
        new += _keep(workspace, batch, manifest)
        done += len(batch)
        progress(f"bringing back {manifest.label}", done, manifest.rows)
    registered = not _is_registered(workspace, manifest)
    if registered:
        _register(workspace, folder, manifest, places)
    copy_card(workspace, manifest)
    return RestoredVersion(manifest.label, new, media, registered)


def _refuse_other(workspace: Workspace, manifest: Manifest) -> None:
    for row in _rows_of(workspace, manifest):
        if row["manifest_hash"] != manifest.manifest_hash:
            raise WrongUse(
                f"{workspace.root} has another {manifest.label}; restore into a new workspace"
            )


def _rows_of(workspace: Workspace, manifest: Manifest) -> list[dict[str, Any]]:
    return workspace.catalog.rows(
        "select manifest_hash, n_rows, (select count(*) from dataset_samples s "
        "where s.dataset = d.dataset and s.version = d.version) as found_rows "
        "from datasets d where dataset = ? and version = ?",
        manifest.dataset,
        manifest.version,
    )


def _places(folder: Path, manifest: Manifest) -> Places:
    """Read the rows of a version. Raises DatasetError when they are not those that it froze."""
    shards = [pq.read_table(folder / shard.name, columns=_PLACES) for shard in manifest.shards]
    rows = pa.concat_tables(shards)
    places = Places(
        ids=Ids.together(Ids.of_column(part) for part in rows["sample_id"].chunks),
        stages=rows["stage"].to_numpy(),
        padded=rows["padded"].to_numpy(),
        tries=rows["tries"].to_numpy(),
        pass_rates=rows["pass_rate"].to_numpy(),
    )
    if selection_hash(manifest.plan["split"], places) != manifest.selection_hash:
        raise DatasetError(f"the shards of {manifest.label} are not the rows of its manifest")
    return places


def _note_corpora(workspace: Workspace, manifest: Manifest) -> None:
    """Write down the corpora that are not known yet: a part of each is all that comes back."""
    rows = [
        {
            "corpus": used.corpus,
            "title": used.title,
            "licence": used.licence,
            "homepage": used.homepage,
            "revision": used.revision,
            "options": "{}",
            "complete": False,
            "ingested_at": now(),
            "benchmark": False,
        }
        for used in manifest.corpora
    ]
    if rows:
        with workspace.catalog.write() as connection:
            append_new(connection, "corpora", pa.Table.from_pylist(rows), key="corpus")


def _put_media(workspace: Workspace, samples: Sequence[Sample]) -> int:
    """Put media into the store; give how many were not there, or not whole."""
    put = 0
    for medium in {m.media_id: m for sample in samples for m in sample.media}.values():
        path = workspace.media.path(medium.media_id)
        before = path.stat().st_ino if path.exists() else None
        put += workspace.media.put(medium).stat().st_ino != before
    return put


def _keep(workspace: Workspace, samples: Sequence[Sample], manifest: Manifest) -> int:
    """Add samples with what is known of their media; give how many were new."""
    media = {m.media_id: m for sample in samples for m in sample.media}
    facts = [inspect(medium, medium.read()) for medium in media.values()]
    revisions = {used.corpus: used.revision for used in manifest.corpora}
    named = [_with_recipe(sample, manifest) for sample in samples]
    new = 0
    with workspace.catalog.write() as connection:
        gone = withdrawn_questions(connection)
        for sample in samples:
            if sample.question_id in gone:
                raise WrongUse(
                    f"{manifest.label} holds sample {sample.sample_id}, which was withdrawn from "
                    f"{workspace.root}; curate its plan again"
                )
        by_corpus = sorted(named, key=lambda sample: sample.corpus)
        for corpus, group in groupby(by_corpus, key=lambda sample: sample.corpus):
            revision = revisions.get(corpus, "")
            new += add_samples(connection, list(group), facts, revision=revision)
        connection.execute(
            "delete from quarantine where media_id in (select unnest(?::varchar[]))", [list(media)]
        )
    return new


def _with_recipe(sample: Sample, manifest: Manifest) -> Sample:
    """Name the recipe of a view where only one can have made it; shards do not say."""
    if sample.history and len(manifest.recipes) == 1:
        return replace(sample, recipe=manifest.recipes[0].recipe)
    return sample


def _is_registered(workspace: Workspace, manifest: Manifest) -> bool:
    """Whether the catalog has all of a version, and its files are whole."""
    place = workspace.datasets / manifest.dataset / str(manifest.version)
    rows = _rows_of(workspace, manifest)
    if not rows or rows[0]["found_rows"] != rows[0]["n_rows"]:
        return False
    try:
        require_whole(place, manifest)
    except DatasetError:
        return False
    return True


def _register(workspace: Workspace, folder: Path, manifest: Manifest, places: Places) -> None:
    with dataset_held(workspace, manifest.dataset) as partial:
        copy = partial / manifest.dataset
        copy.mkdir()
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            shutil.copyfile(path, copy / path.name)
        require_whole(copy, manifest)
        land(workspace, [Draft(manifest, places, copy)])
