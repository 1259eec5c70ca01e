"""Folders of weights that are whole, and how to tell.

They are written file by file, so a kill may leave half of one. Ours is complete when its mark is
there and every file has the size that the mark says; the mark is written last.
"""

import json
from pathlib import Path
from typing import Any

MARK = "curricle.json"


def write_mark(folder: Path, facts: dict[str, Any]) -> None:
    """Declare a folder complete, with what there is to say about it."""
    partial = folder / f".tmp-{MARK}"
    partial.write_text(json.dumps({"facts": facts, "files": _sizes(folder)}, indent=1))
    partial.replace(folder / MARK)


def facts_of(folder: Path) -> dict[str, Any] | None:
    """Read what a complete folder's mark says; None when it is not complete."""
    try:
        known = json.loads((folder / MARK).read_text())
        facts: dict[str, Any] = known["facts"]
        return facts if known["files"] == _sizes(folder) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _sizes(folder: Path) -> dict[str, int]:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: path.stat().st_size for path in files if MARK not in path.name}
