"""Dataset versions against the catalog: manifests, shards, cards, and folders nobody registered."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.curation.cards import card_path
from pipelines.curation.landing import version_folder
from pipelines.curation.manifest import (
    CARD_NAME,
    MANIFEST_NAME,
    DatasetError,
    Manifest,
    ShardFile,
    parse_manifest,
    read_manifest,
)
from pipelines.curation.shards import file_hash
from pipelines.doctor.facts import Facts, Row
from pipelines.doctor.finding import Finding
from pipelines.workspace import Progress, Workspace, silent


def check_datasets(
    workspace: Workspace, facts: Facts, *, quick: bool = False, progress: Progress = silent
) -> Iterator[Finding]:
    """Compare every registered version with its folder, and every folder with the catalog."""
    for number, row in enumerate(facts.datasets):
        progress("looking at datasets", number, len(facts.datasets))
        yield from _check_version(workspace, row, quick=quick)
    known = {version_folder(workspace, row["dataset"], row["version"]) for row in facts.datasets}
    yield from _unregistered(workspace, known)


def _check_version(workspace: Workspace, row: Row, *, quick: bool) -> Iterator[Finding]:
    label, folder = f"{row['dataset']}@{row['version']}", _folder(workspace, row)
    where = folder.relative_to(workspace.root).as_posix()
    try:
        manifest = parse_manifest(row["manifest"], f"the catalog's manifest of {label}")
    except DatasetError as error:
        yield Finding(
            check="manifest_row",
            where="datasets",
            what=str(error),
            todo="restore a backup, or curate the plan again",
            things=(label,),
        )
        return
    if row["found_rows"] != row["n_rows"] or row["n_rows"] != manifest.rows:
        yield Finding(
            check="dataset_rows",
            where="dataset_samples",
            what=f"{label} has {row['found_rows']:,} rows in the catalog, {manifest.rows:,} in its "
            "manifest",
            todo=f"bring it in again from its shards: curricle restore {folder}",
            things=(label,),
        )
    damage = list(_damage(folder, manifest, quick=quick))
    if damage:
        yield Finding(
            check="dataset_damaged",
            where=where,
            what=f"{label}: {', '.join(damage)}",
            todo="`curricle doctor --repair` rebuilds it from the catalog, to the same bytes",
            repair="rebuild",
            things=(label,),
        )
        return
    yield from _beside(workspace, folder, manifest, where)


def _folder(workspace: Workspace, row: Row) -> Path:
    return version_folder(workspace, row["dataset"], row["version"])


def _damage(folder: Path, manifest: Manifest, *, quick: bool) -> Iterator[str]:
    """Name what of a version is missing or not as its manifest says."""
    if not folder.is_dir():
        yield "its folder is gone"
        return
    try:
        if read_manifest(folder).manifest_hash != manifest.manifest_hash:
            yield f"{MANIFEST_NAME} is that of another version"
    except DatasetError as error:
        yield str(error)
    for shard in manifest.shards:
        if problem := _shard_problem(folder / shard.name, shard, quick=quick):
            yield f"{shard.name} {problem}"


def _shard_problem(path: Path, shard: ShardFile, *, quick: bool) -> str:
    try:
        if not quick and file_hash(path) != shard.sha256:
            return "is damaged"
        rows = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return "is missing"
    except (OSError, pa.ArrowException):
        return "is damaged"
    return "" if rows == shard.rows else f"holds {rows:,} rows, not {shard.rows:,}"


def _beside(
    workspace: Workspace, folder: Path, manifest: Manifest, where: str
) -> Iterator[Finding]:
    """Look at what lies beside the shards of a whole version."""
    cards = (folder / CARD_NAME, card_path(workspace, manifest))
    if lacking := [card for card in cards if not card.is_file()]:
        yield Finding(
            check="card_missing",
            where=lacking[0].relative_to(workspace.root).as_posix(),
            severity="notice",
            what=f"the data card of {manifest.label} is gone",
            todo="`curricle doctor --repair` writes it again",
            repair="write_cards",
            things=(manifest.label,),
        )
    named = {shard.name for shard in manifest.shards}
    strange = sorted(path.name for path in folder.glob("*.parquet") if path.name not in named)
    if strange:
        yield Finding(
            check="shard_unknown",
            where=where,
            what=f"{manifest.label} has shards that its manifest does not name: "
            f"{', '.join(strange[:5])}; a trainer that loads *.parquet would read them",
            todo="move them elsewhere",
            things=tuple(strange),
        )


def _unregistered(workspace: Workspace, known: set[Path]) -> Iterator[Finding]:
    for folder in sorted(workspace.datasets.glob("*/*")):
        if folder in known or not folder.is_dir() or not folder.name.isdigit():
            continue
        is_version = (folder / MANIFEST_NAME).is_file()
        yield Finding(
            check="dataset_unregistered",
            where=folder.relative_to(workspace.root).as_posix(),
            severity="notice",
            what="the catalog knows nothing of this version: it was copied here, or a killed "
            "process was about to register it",
            todo=f"bring it in with `curricle restore {folder}`, or remove it"
            if is_version
            else "remove it; it has no manifest",
            things=(str(folder),),
        )
