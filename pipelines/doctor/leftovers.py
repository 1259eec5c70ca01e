"""What killed processes left: half-written files and folders, and withdrawals not finished."""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.catalog.lock import held_by
from pipelines.doctor.finding import Finding
from pipelines.record.media import LONGEST_WRITE, PARTIAL
from pipelines.withdrawal import NOTE
from pipelines.workspace import Workspace

_PLACES = (
    *(f"{PARTIAL}*", f"media/{PARTIAL}*", f"datasets/{PARTIAL}*", f"datasets/*/{PARTIAL}*"),
    *(f"policies/{PARTIAL}*", f"runs/*/{PARTIAL}*", f"reports/{PARTIAL}*", "staging/*"),
)


def check_leftovers(workspace: Workspace) -> Iterator[Finding]:
    """Find what has a name of something half written, and notes of withdrawals under way."""
    notes = sorted(path.name for path in workspace.root.glob(f"{NOTE}*"))
    if notes:
        yield Finding(
            check="withdrawal_unfinished",
            where=str(workspace.root),
            what=f"withdrawals that were cut short: {len(notes)}; their media may still lie there, and "
            "their texts in free blocks of the catalog",
            todo="`curricle doctor --repair` finishes them, and so does the next withdrawal",
            repair="finish_withdrawals",
            things=tuple(notes),
        )
    left = [path for place in _PLACES for path in sorted(workspace.root.glob(place))]
    old = [path for path in left if _is_ownerless(workspace, path) or is_abandoned(path)]
    yield from _left(workspace, old, "that killed processes left", "remove")
    fresh = [path for path in left if path not in old]
    yield from _left(
        workspace, fresh, "that are half written, by a live process or a killed one", ""
    )


def _is_ownerless(workspace: Workspace, path: Path) -> bool:
    """Whether it lies in a folder that is locked for writing, and nobody holds that lock."""
    lock = path.parent / ".lock"
    # The workspace's own is shared by those who copy the catalog.
    return path.parent != workspace.root and lock.is_dir() and held_by(lock) is None


def is_abandoned(path: Path) -> bool:
    """Whether so much time has passed since a file or folder changed that nobody writes it."""
    try:
        inside = path.rglob("*") if path.is_dir() else ()
        newest: float = max(entry.stat().st_mtime for entry in (path, *inside))
    except FileNotFoundError:
        return False  # it has just been finished
    return bool(newest < time.time() - LONGEST_WRITE)


def remove(workspace: Workspace, things: Sequence[str]) -> int:
    """Remove files and folders of a workspace by their paths in it; give how many went."""
    gone = 0
    for thing in things:
        path = workspace.root / thing
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        gone += not path.exists()
    return gone


def _left(workspace: Workspace, paths: Sequence[Path], how: str, repair: str) -> Iterator[Finding]:
    if not paths:
        return
    things = tuple(path.relative_to(workspace.root).as_posix() for path in paths)
    yield Finding(
        check="leftovers" if repair else "half_written",
        where=things[0] if len(things) == 1 else str(workspace.root),
        severity="notice",
        what=f"files and folders {how}: {len(things)}",
        todo="`curricle doctor --repair` removes them"
        if repair
        else f"nothing; after {LONGEST_WRITE / 60:.0f} minutes they count as left behind",
        repair="remove" if repair else "",
        things=things,
    )
