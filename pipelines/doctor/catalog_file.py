"""The catalog's file, the log beside it, its lock and the snapshot of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.catalog import Catalog, CatalogError, LockTimeout
from pipelines.catalog.lock import NoLocks, held_by
from pipelines.catalog.log import torn_bytes
from pipelines.catalog.migrations import NEWEST
from pipelines.catalog.soundness import Soundness, look_through
from pipelines.doctor.finding import Finding

WORTH_COMPACTING = 16 * 2**20
"""Free bytes, beside a quarter of the file, from which writing it anew is worth it."""


@dataclass(frozen=True, slots=True)
class CatalogState:
    """What looking at the file showed."""

    findings: tuple[Finding, ...]
    usable: bool
    """Whether its rows can be asked."""


def check_catalog_file(catalog: Catalog, *, read_all: bool = True) -> CatalogState:
    """Open the file as it is, read it through and hold it against a new one."""
    found = [*_lock(catalog), *_log(catalog)]
    try:
        sound = look_through(catalog, read_all=read_all)
    except (CatalogError, LockTimeout, NoLocks) as error:
        return CatalogState((*found, unopened(catalog, error)), usable=False)
    except OSError as error:
        return CatalogState((*found, _unreachable(catalog, error)), usable=False)
    found += [*_damage(catalog, sound), *_schema(catalog, sound), *_shape(catalog, sound)]
    if not sound.is_newest:
        return CatalogState(tuple(found), usable=False)
    found += [*_size(catalog, sound), *_snapshot(catalog)]
    return CatalogState(tuple(found), usable=not (sound.unreadable or sound.lacking))


def unopened(catalog: Catalog, error: Exception) -> Finding:
    """Say why the catalog's rows cannot be looked at."""
    return Finding(
        check="lock" if isinstance(error, LockTimeout) else "catalog",
        where=catalog.path.name,
        what=str(error),
        todo=_about(catalog, error),
    )


def _about(catalog: Catalog, error: Exception) -> str:
    if isinstance(error, LockTimeout):
        return "wait, or give --lock-timeout more seconds"
    if isinstance(error, NoLocks):
        return "move the workspace to a local disk"
    return _from_elsewhere(catalog)


def _unreachable(catalog: Catalog, error: OSError) -> Finding:
    return Finding(
        check="catalog",
        where=catalog.path.name,
        what=f"{error.filename or catalog.path} cannot be used: {error.strerror}",
        todo="change its permissions; Curricle also writes its lock there when it only reads",
    )


def _lock(catalog: Catalog) -> Iterator[Finding]:
    if holder := held_by(catalog.lock_folder):
        yield Finding(
            check="lock_held",
            where=catalog.lock_folder.name,
            severity="notice",
            what=f"{holder} is writing to the workspace",
            todo="nothing; what looks unfinished below may be its work",
        )


def _log(catalog: Catalog) -> Iterator[Finding]:
    if held_by(catalog.lock_folder):
        return  # the holder's own
    try:
        torn = torn_bytes(catalog.log_path)
    except OSError:
        return  # there is none, as after every clean end
    if torn:
        yield Finding(
            check="log_torn",
            where=catalog.log_path.name,
            what=f"the last {torn:,} bytes of the log are torn or damaged: DuckDB drops them, and "
            "with them what was being committed when a process or the machine died",
            todo="run the last commands again; `curricle doctor --repair` keeps what is whole",
            repair="fold_log",
        )
    elif catalog.log_path.stat().st_size:
        yield Finding(
            check="log_left",
            where=catalog.log_path.name,
            severity="notice",
            what="a killed process left a log; it is whole, and nothing is lost",
            todo="nothing; whoever writes next folds it into the catalog",
            repair="fold_log",
        )


def _damage(catalog: Catalog, sound: Soundness) -> Iterator[Finding]:
    for table, said in sound.unreadable.items():
        yield Finding(
            check="catalog_damaged",
            where=catalog.path.name,
            what=f"table {table} cannot be read through: {said}",
            todo=_from_elsewhere(catalog),
            things=(table,),
        )


def _schema(catalog: Catalog, sound: Soundness) -> Iterator[Finding]:
    if sound.schema > NEWEST:
        yield Finding(
            check="schema_newer",
            where=catalog.path.name,
            what=f"schema {sound.schema} is newer than the {NEWEST} that this Curricle knows",
            todo="upgrade Curricle",
        )
    elif sound.schema < NEWEST:
        yield Finding(
            check="schema_older",
            where=catalog.path.name,
            severity="notice",
            what=f"schema {sound.schema} is older than this Curricle's {NEWEST}; its rows were not "
            "looked at",
            todo="back it up, then run any command, which migrates it, and `curricle doctor` again",
            repair="migrate",
        )


def _shape(catalog: Catalog, sound: Soundness) -> Iterator[Finding]:
    if sound.lacking:
        yield Finding(
            check="schema_incomplete",
            where=catalog.path.name,
            what=f"schema {sound.schema} says that there should be {', '.join(sound.lacking[:5])}"
            f"{', …' if len(sound.lacking) > 5 else ''}: it was changed by hand",
            todo=_from_elsewhere(catalog),
            things=sound.lacking,
        )
    if sound.other_views:
        yield Finding(
            check="views",
            where=catalog.path.name,
            what=f"views are missing or changed: {', '.join(sound.other_views)}",
            todo="`curricle doctor --repair` makes them anew",
            repair="restore_views" if not sound.lacking else "",
            things=sound.other_views,
        )


def _size(catalog: Catalog, sound: Soundness) -> Iterator[Finding]:
    if sound.free_bytes > max(WORTH_COMPACTING, sound.bytes // 4):
        yield Finding(
            check="free_blocks",
            where=catalog.path.name,
            severity="notice",
            what=f"{sound.free_bytes >> 20} of {sound.bytes >> 20} MiB are free blocks",
            todo="`curricle doctor --repair` writes the file anew without them",
            repair="compact",
        )


def _snapshot(catalog: Catalog) -> Iterator[Finding]:
    live, published = catalog.path, catalog.snapshot_path
    if published.exists() and published.stat().st_mtime >= live.stat().st_mtime:
        return
    state = "older than the catalog" if published.exists() else "missing"
    yield Finding(
        check="snapshot",
        where=published.name,
        severity="notice",
        what=f"the snapshot that other programs read is {state}",
        todo="nothing; the next command that writes publishes one",
        repair="publish",
    )


def _from_elsewhere(catalog: Catalog) -> str:
    if catalog.snapshot_path.exists():
        return (
            "move it away, then put a backup in its place, or a copy of "
            f"{catalog.snapshot_path.name}, which is as it was last published"
        )
    return "move it away, then put a backup in its place"
