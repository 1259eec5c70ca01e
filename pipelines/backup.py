"""A second copy of a workspace, in a folder that is itself a workspace.

What a backup needs is copied before the catalog that speaks of it, which is swapped in last; so a
backup that was cut short is still the one before, and the next goes on. Files are copied, never
linked: a byte that rots in one place must not rot in both.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.catalog import Catalog, CatalogError
from pipelines.catalog.lock import workspace_lock
from pipelines.catalog.soundness import look_through
from pipelines.curation.manifest import DatasetError, Manifest, parse_manifest, read_manifest
from pipelines.curation.shards import require_whole
from pipelines.workspace import Progress, Workspace, WrongUse, silent

PARTIAL = ".tmp-"
BLOCK = 2**20
_ELSEWHERE = ("catalog.", ".", "media", "datasets", "staging")
"""Beginnings of the names at the top of a workspace that are copied with care, or not at all."""
_WEIGHTS = ("policies", "runs")
_MEDIA = """
select distinct media_id, bytes, media_id in (select media_id from quarantine) as set_aside
from media order by media_id
"""
_VERSIONS = "select dataset, version, manifest from datasets order by dataset, version"


@dataclass
class BackedUp:
    """What was copied away."""

    workspace: Path
    folder: Path
    samples: int = 0
    versions: int = 0
    copied: int = 0
    """Files that were new or had changed."""
    kept: int = 0
    """Files that the backup had already."""
    removed: int = 0
    """Media and dataset versions of the backup that the workspace no longer has."""
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    """Paths that are damaged or gone here, media apart that are set aside; what the backup had of
    them is kept."""


def backup(
    workspace: Workspace, folder: Path, *, policies: bool = True, progress: Progress = silent
) -> BackedUp:
    """Copy a workspace to a folder, only what is new there; others may go on writing.

    Without `policies`, weights are left out, those of finished runs too. Raises WrongUse for a
    folder that cannot be one.
    """
    folder = folder.resolve()
    _require_apart(workspace, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with workspace_lock(folder / ".backup", exclusive=True, timeout=workspace.catalog.lock_timeout):
        done = BackedUp(workspace.root, folder)
        _sweep(folder)
        partial = folder / f"{PARTIAL}{uuid.uuid4().hex}" / "catalog.duckdb"
        partial.parent.mkdir()
        try:
            _copy_catalog(workspace.catalog, partial)
            known = Catalog(partial.parent)
            _copy_media(workspace, known, done, progress)
            labels = _copy_versions(workspace, known, done, progress)
            _copy_others(workspace, done, policies=policies, progress=progress)
            done.samples = known.rows("select count(*) as n from samples")[0]["n"]
            os.sync()  # what the catalog speaks of is on the disk before it is
            os.replace(partial, folder / "catalog.duckdb")  # noqa: PTH105
        finally:
            shutil.rmtree(partial.parent, ignore_errors=True)
        _prune(Workspace(folder), labels, done)
        Catalog(folder).snapshot()
    return done


def _require_apart(workspace: Workspace, folder: Path) -> None:
    here, there = workspace.root.resolve(), folder.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise WrongUse(
            f"{folder} and {workspace.root} lie in each other; back up to another folder"
        )
    is_ours = (folder / ".backup").is_dir() or (folder / "catalog.duckdb").is_file()
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not is_ours)):
        raise WrongUse(f"{folder} holds something else; back up to an empty or a new folder")


def _sweep(folder: Path) -> None:
    """Remove what a backup that was cut short left."""
    for left in list(folder.rglob(f"{PARTIAL}*")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _copy_catalog(catalog: Catalog, target: Path) -> None:
    """Copy the file between two bursts, with what a killed process left in its log."""
    catalog.ready()
    if catalog.log_path.exists():
        catalog.fold_log()
    with workspace_lock(catalog.lock_folder, exclusive=False, timeout=catalog.lock_timeout):
        _copied(catalog.path, target)
    if unreadable := look_through(Catalog(target.parent)).unreadable:
        raise CatalogError(
            f"{catalog.path} is damaged in {', '.join(unreadable)}, so the backup was left as it was; "
            "`curricle doctor` says what to do"
        )


def _copy_media(workspace: Workspace, known: Catalog, done: BackedUp, progress: Progress) -> None:
    store = Workspace(done.folder).media
    media = known.rows(_MEDIA)
    for number, medium in enumerate(media):
        progress("copying media", number, len(media))
        source = workspace.media.path(medium["media_id"])
        target = store.path(medium["media_id"])
        if target.is_file() and target.stat().st_size == medium["bytes"]:
            done.kept += 1
        elif (
            not _copy_checked(source, target, medium["media_id"], done) and not medium["set_aside"]
        ):
            done.damaged.append(source.relative_to(workspace.root).as_posix())


def _copy_versions(
    workspace: Workspace, known: Catalog, done: BackedUp, progress: Progress
) -> set[str]:
    """Copy every registered version, whole or not at all; give what they are called."""
    rows = known.rows(_VERSIONS)
    for number, row in enumerate(rows):
        progress("copying datasets", number, len(rows))
        place = Path("datasets", row["dataset"], str(row["version"]))
        source, target = workspace.root / place, done.folder / place
        manifest = parse_manifest(row["manifest"], f"the catalog's manifest of {place}")
        if _has_version(target, source, manifest):
            done.kept += sum(path.is_file() for path in target.iterdir())
            continue
        partial = target.with_name(f"{PARTIAL}{row['version']}")
        try:
            require_whole(source, manifest)
        except DatasetError:
            done.damaged.append(place.as_posix())
            continue
        for path in sorted(path for path in source.iterdir() if path.is_file()):
            done.bytes += _copied(path, partial / path.name)
            done.copied += 1
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    done.versions = len(rows)
    return {f"{row['dataset']}/{row['version']}" for row in rows}


def _has_version(target: Path, source: Path, manifest: Manifest) -> bool:
    """Whether a version was copied before; shards never change, so their sizes tell."""
    try:
        if read_manifest(target).manifest_hash != manifest.manifest_hash:
            return False
        pairs = [(target / shard.name, source / shard.name) for shard in manifest.shards]
        return all(a.stat().st_size == b.stat().st_size for a, b in pairs if b.exists())
    except (DatasetError, FileNotFoundError):
        return False


def _copy_others(
    workspace: Workspace, done: BackedUp, *, policies: bool, progress: Progress
) -> None:
    """Copy settings, plans, cards, weights, and whatever else a person keeps there."""
    for number, source in enumerate(_others(workspace.root, policies=policies)):
        progress("copying other files", number, None)
        target = done.folder / source.relative_to(workspace.root)
        if _is_same(source, target):
            done.kept += 1
            continue
        try:
            partial = target.with_name(f"{PARTIAL}{target.name}")
            done.bytes += _copied(source, partial)
            shutil.copystat(source, partial)
            partial.replace(target)
            done.copied += 1
        except FileNotFoundError:
            continue  # somebody has just removed it


def _others(root: Path, *, policies: bool) -> Iterator[Path]:
    """Give the files that neither the catalog nor a hash speaks for.

    Of runs only the trained policy: checkpoints change while we look.
    """
    for top in sorted(root.iterdir()):
        if top.name.startswith(_ELSEWHERE) or (top.name in _WEIGHTS and not policies):
            continue
        places = top.glob("*/final/**/*") if top.name == "runs" else top.rglob("*")
        for path in [top] if top.is_file() else sorted(places):
            if path.is_file() and not any(part.startswith(PARTIAL) for part in path.parts):
                yield path


def _is_same(source: Path, target: Path) -> bool:
    try:
        ours, theirs = source.stat(), target.stat()
    except FileNotFoundError:
        return False
    return ours.st_size == theirs.st_size and ours.st_mtime_ns == theirs.st_mtime_ns


def _prune(copy: Workspace, labels: set[str], done: BackedUp) -> None:
    """Remove what the workspace no longer has: what was withdrawn must not live on here."""
    known = {row["media_id"] for row in copy.catalog.rows("select distinct media_id from media")}
    for path in list(copy.media.root.glob("??/*")):
        if path.name not in known:
            path.unlink()
            done.removed += 1
    for folder in list(copy.datasets.glob("*/*")):
        if folder.relative_to(copy.datasets).as_posix() not in labels and folder.name != ".lock":
            shutil.rmtree(folder)
            done.removed += 1


def _copy_checked(source: Path, target: Path, sha256: str, done: BackedUp) -> bool:
    """Copy a file unless it no longer has its hash; whether it was copied."""
    partial = target.with_name(f"{PARTIAL}{target.name}")
    try:
        size = _copied(source, partial, sha256)
    except (OSError, ValueError) as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, ValueError | FileNotFoundError):
            return False
        raise
    partial.replace(target)
    done.copied += 1
    done.bytes += size
    return True


def _copied(source: Path, target: Path, sha256: str = "") -> int:
    """Copy a file; give its size. Raises ValueError when it has another hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(BLOCK):
            digest.update(block)
            write.write(block)
        if sha256 and digest.hexdigest() != sha256:
            raise ValueError(f"{source} no longer has its hash")
        return write.tell()
