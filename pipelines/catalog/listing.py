"""What tables and views there are, and what each holds: as docs/catalog.md says, and nowhere else."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

_ROW = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_PARTS = {"table": "Facts", "view": "Views"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A table or view, and what it says."""

    name: str
    kind: str
    purpose: str


def listed() -> list[Listed]:
    """Give all tables, then all views, in the order of the manual."""
    text = _manual()
    return [
        Listed(name, kind, _LINK.sub(r"\1", purpose).replace("`", ""))
        for kind, title in _PARTS.items()
        for name, purpose in _ROW.findall(_part(text, title))
    ]


def _part(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _manual() -> str:
    """Read the page: it lies beside this file in an installed package, and in docs/ of the sources."""
    shipped = files("pipelines.catalog") / "catalog.md"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")
