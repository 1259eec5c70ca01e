"""What a flow run leaves in Prefect for whoever looks on there; no run ever fails for it."""

import base64
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flows.narration import log

_WIDEST = 40
"""Signs of the longest bar."""
_MOST_BYTES = 1_000_000
"""Of a picture: it travels inside the artifact."""


def leave_table(key: str, records: Iterable[Mapping[str, Any]], about: str) -> None:
    """Leave a table with a row for each record: its numbers and names; counts are summed."""
    table = [row(record) for record in records]
    if table:
        _leave("create_table_artifact", table=table, key=key, description=about)


def leave_bars(key: str, counts: Mapping[str, int], about: str) -> None:
    """Leave a bar chart, drawn with letters, so that it needs neither a file nor a network."""
    text = bars(counts)
    if text:
        _leave("create_markdown_artifact", markdown=text, key=key, description=about)


def leave_picture(key: str, picture: Path, about: str) -> None:
    """Leave a PNG, small enough to travel along."""

    def url() -> str:
        if picture.stat().st_size > _MOST_BYTES:
            return picture.as_uri()
        return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()

    _leave("create_image_artifact", image_url=url, key=key, description=about)


def leave_link(key: str, file: Path, about: str) -> None:
    """Leave a link to a file of the workspace."""
    _leave(
        "create_link_artifact", link=file.as_uri(), link_text=file.name, key=key, description=about
    )


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what fits into cells: names and numbers as they are, counts by reason as their sum."""
    cells: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            cells[name] = _total(value)
        elif isinstance(value, bool | int | str):
            cells[name] = value
        elif isinstance(value, float):
            cells[name] = round(value, 4)
    return {name: value for name, value in cells.items() if value is not None}


def bars(counts: Mapping[str, int]) -> str:
    """Draw counts as lines of Markdown; empty where all are zero."""
    most = max(counts.values(), default=0)
    if not most:
        return ""
    width = max(map(len, counts))
    lines = [
        f"{name:>{width}}  {'█' * -(-_WIDEST * count // most)} {count:,}"
        for name, count in counts.items()
    ]
    return "\n".join(["```", *lines, "```"])


def slug(name: str) -> str:
    """Give a name as a key may be written: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "x"


def _total(counts: Mapping[str, Any]) -> int | None:
    """Add counts up, however deep they lie; None for what is no counts."""
    total = 0
    for value in counts.values():
        count = _total(value) if isinstance(value, Mapping) else value
        if not isinstance(count, int):
            return None
        total += count
    return total


def _leave(create: str, **what: Any) -> None:
    """Create an artifact, if a run is under way and its server takes it."""
    try:
        from prefect import artifacts
        from prefect.context import FlowRunContext, TaskRunContext

        if FlowRunContext.get() is None and TaskRunContext.get() is None:
            return
        given = {name: value() if callable(value) else value for name, value in what.items()}
        getattr(artifacts, create)(**given)
    except Exception as error:
        log.debug("no artifact %s: %s", what.get("key"), error)
