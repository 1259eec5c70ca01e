"""What every command shares: where the workspace is, progress bars, tables and JSON."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter
from pydantic import BaseModel

from flows.summaries import plain
from pipelines.workspace import Progress, Workspace, validated

T = TypeVar("T", bound=BaseModel)


opened: list[Workspace] = []
"""Workspaces of this command, whose snapshots are brought up to date at its end."""


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options of every command."""

    workspace: Path | None = None
    """Folder to work in; default: the nearest with a curricle.toml, else ./curricle-workspace."""
    lock_timeout: float = 60.0
    """Seconds to wait for another process that writes to the workspace."""
    json: Annotated[bool, Parameter(negative="")] = False
    """Print the answer as JSON, for scripts."""

    def open(self) -> Workspace:
        """Open the workspace these options name."""
        workspace = Workspace.find(self.workspace, lock_timeout=self.lock_timeout)
        opened.append(workspace)
        return workspace


DEFAULTS = Common()


def own_file(workspace: Workspace, path: Path) -> Path:
    """Where a file of a person's own is: as it is said from here, else from the workspace."""
    inside = workspace.root / path
    return inside if inside.exists() and not path.exists() else path.absolute()


@contextmanager
def bars() -> Iterator[Progress]:
    """Show progress on the terminal, one bar per kind of work; nothing where there is no screen."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bars(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as shown:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield progress
    shown.console.show_cursor(True)


def show(answer: Any, common: Common, lines: Iterable[str]) -> None:
    """Print the answer as JSON where a script reads it, else as sentences."""
    if common.json:
        print(json.dumps(plain(answer), indent=2, default=str))
    else:
        for line in lines:
            print(line)


def settings_given(settings: T, **options: object) -> T:
    """Settings with the options that were given in their place, checked again."""
    given = {name: value for name, value in options.items() if value is not None}
    return validated(settings.model_dump() | given, type(settings), "the command line")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a plain table; text is shown as it is, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _cell(value: object) -> str:
    """One line of text for one value; control characters of hostile text are shown, not obeyed."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None:
        return ""
    return printable(str(value))[:400]


def printable(text: str) -> str:
    """Show control characters of hostile text instead of obeying them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
