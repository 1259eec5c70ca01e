"""The media store against the catalog: what is gone, damaged, not ours, or known to nobody."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.doctor.facts import Facts
from pipelines.doctor.finding import Finding
from pipelines.doctor.leftovers import is_abandoned
from pipelines.record.media import PARTIAL
from pipelines.workspace import Progress, Workspace, silent

_CORPORA = """
select distinct s.corpus from samples s join sample_media m using (sample_id)
where m.media_id in (from asked_ids) order by all
"""


@dataclass
class Store:
    """What lies in the media store."""

    damaged: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    orphans: list[Path] = field(default_factory=list)
    misplaced: list[Path] = field(default_factory=list)


def check_media(
    workspace: Workspace, facts: Facts, *, quick: bool = False, progress: Progress = silent
) -> Iterator[Finding]:
    """Compare every file with its row, and its bytes with its name unless `quick`."""
    described = {media_id: size for media_id, size in facts.media.items() if size is not None}
    store = look_at_store(workspace.media.root, described, quick=quick, progress=progress)
    missing = described.keys() - store.whole - store.damaged
    missing = _still_known(workspace.catalog, missing) if missing else set()
    undescribed = facts.media.keys() - described.keys()
    problems = {"missing_file": missing, "damaged_file": store.damaged, "no_row": undescribed}
    hurt = set().union(*problems.values())
    for reason, ids in problems.items():
        yield from _hurt(workspace, reason, sorted(ids - facts.quarantined))
    yield from _set_aside(workspace, sorted(hurt & facts.quarantined))
    yield from _healed(sorted(facts.quarantined - hurt))
    yield from _orphans(workspace, store.orphans)
    yield from _misplaced(workspace, store.misplaced)


def look_at_store(
    root: Path, sizes: Mapping[str, int], *, quick: bool = False, progress: Progress = silent
) -> Store:
    """Sort the files of a media store by whether they are what their names and rows say."""
    store, looked = Store(), 0
    with ThreadPoolExecutor() as pool:
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if not folder.is_dir():
                _misplace(store, folder)
                continue
            files = sorted(folder.iterdir())
            known = [path for path in files if path.name in sizes and path.name[:2] == folder.name]
            for path in set(files).difference(known):
                _orphan_or_misplaced(store, path)
            states = pool.map(lambda path: _is_whole(path, sizes[path.name], quick=quick), known)
            for path, whole in zip(known, states, strict=True):
                (store.whole if whole else store.damaged).add(path.name)
            looked += len(known)
            progress("looking at media" if quick else "hashing media", looked, len(sizes))
    return store


def affected_corpora(catalog: Catalog, media_ids: list[str]) -> list[str]:
    """Name the corpora whose samples show these media."""
    with catalog.read() as connection:
        connection.register("asked_ids", pa.table({"media_id": pa.array(media_ids, pa.string())}))
        return [corpus for (corpus,) in connection.execute(_CORPORA).fetchall()]


def _is_whole(path: Path, size: int, *, quick: bool) -> bool:
    try:
        if quick:
            return path.stat().st_size == size
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest() == path.name
    except OSError:
        return False  # it cannot be read, which is as bad


def _orphan_or_misplaced(store: Store, path: Path) -> None:
    is_named = len(path.name) == 64 and path.name[:2] == path.parent.name
    if is_named and set(path.name) <= set("0123456789abcdef"):
        store.orphans.append(path)
    else:
        _misplace(store, path)


def _misplace(store: Store, path: Path) -> None:
    if not path.name.startswith(PARTIAL):
        store.misplaced.append(path)


def _still_known(catalog: Catalog, media_ids: set[str]) -> set[str]:
    """Leave out what was withdrawn while we looked."""
    asked = pa.table({"media_id": pa.array(sorted(media_ids), pa.string())})
    with catalog.read() as connection:
        connection.register("asked_ids", asked)
        found = connection.execute(
            "select media_id from asked_ids semi join media using (media_id)"
        )
        return {media_id for (media_id,) in found.fetchall()}


_SAID = {
    "missing_file": "media files that are gone",
    "damaged_file": "media files that no longer hold the bytes that they are named by",
    "no_row": "media that samples show and `media` has no row of",
}


def _hurt(workspace: Workspace, reason: str, media_ids: list[str]) -> Iterator[Finding]:
    if not media_ids:
        return
    corpora = ", ".join(affected_corpora(workspace.catalog, media_ids)) or "their corpora"
    yield Finding(
        check=f"media_{reason}",
        where=_place(workspace, media_ids),
        what=f"{_SAID[reason]}: {len(media_ids):,}",
        todo=f"ingest {corpora} again, which brings them back; until then `curricle doctor "
        "--repair` takes them from dataset shards or sets their samples aside",
        repair="heal_media",
        things=tuple(media_ids),
    )


def _set_aside(workspace: Workspace, media_ids: list[str]) -> Iterator[Finding]:
    if media_ids:
        corpora = ", ".join(affected_corpora(workspace.catalog, media_ids)) or "their corpora"
        yield Finding(
            check="media_set_aside",
            where="quarantine",
            severity="notice",
            what="media that are gone or damaged, so that no plan chooses their samples: "
            f"{len(media_ids):,}",
            todo=f"ingest {corpora} again, which brings them back",
            things=tuple(media_ids),
        )


def _healed(media_ids: list[str]) -> Iterator[Finding]:
    if media_ids:
        yield Finding(
            check="media_healed",
            where="quarantine",
            severity="notice",
            what=f"media that are whole again, their samples still set aside: {len(media_ids):,}",
            todo="`curricle doctor --repair` lets plans choose them again",
            repair="lift_quarantine",
            things=tuple(media_ids),
        )


def _orphans(workspace: Workspace, paths: list[Path]) -> Iterator[Finding]:
    """Files that no row names; one that is young may be on its way into the catalog."""
    old = tuple(str(path.relative_to(workspace.root)) for path in paths if is_abandoned(path))
    if old:
        yield Finding(
            check="media_orphans",
            where="media",
            severity="notice",
            what=f"media files that belong to no sample: {len(old):,}",
            todo="`curricle doctor --repair` removes them",
            repair="remove",
            things=tuple(sorted(old)),
        )


def _misplaced(workspace: Workspace, paths: list[Path]) -> Iterator[Finding]:
    if paths:
        things = sorted(str(path.relative_to(workspace.root)) for path in paths)
        yield Finding(
            check="media_misplaced",
            where="media",
            severity="notice",
            what=f"files that are not named as media are: {len(things):,}",
            todo="move them elsewhere; nothing of Curricle reads them",
            things=tuple(things),
        )


def _place(workspace: Workspace, media_ids: list[str]) -> str:
    if len(media_ids) > 1:
        return "media"
    return workspace.media.path(media_ids[0]).relative_to(workspace.root).as_posix()
