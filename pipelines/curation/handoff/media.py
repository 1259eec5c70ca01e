"""Faults of the media that a row holds: not there, not a picture, or shown otherwise than meant."""

import base64
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines.curation.formats.shown import why_not_plain
from pipelines.curation.handoff.finding import Fault
from pipelines.record.media import BadMedia, decode_image

SHORTEST = 200
"""Characters of base64 at least, as ms-swift has it; a shorter text is a path."""


def content_of(value: Any, folder: Path) -> bytes | Path | None:
    """Give what a medium is: its bytes, its file, or None for what no trainer could open."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):
        held = next(
            (value[k] for k in ("bytes", "image", "video", "audio", "path") if value.get(k)), None
        )
        return None if isinstance(held, Mapping) else content_of(held, folder)
    if not isinstance(value, str) or not value:
        return None
    if value.startswith("data:") or len(value) > SHORTEST:
        text = value.partition(";base64,")[2] if value.startswith("data:") else value
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            return None
    return folder / value.removeprefix("file://")


def medium_faults(value: Any, kind: str, folder: Path) -> Iterator[Fault]:
    """Look at one medium as a trainer would open it."""
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return
    content = content_of(value, folder)
    if content is None:
        yield Fault("no_medium", "crash", f"{_shown(value)} is no {kind}")
        return
    if isinstance(content, Path) and not content.is_file():
        yield Fault("missing_file", "crash", f"there is no file {_shown(value)}")
        return
    if kind == "image":
        fault = _of_file(content) if isinstance(content, Path) else _looked_at(content)
        if fault is not None:
            yield fault


@lru_cache(maxsize=100_000)
def _of_file(path: Path) -> Fault | None:
    """Look at a file that many rows may share, once."""
    try:
        return _looked_at(path.read_bytes())
    except OSError as error:
        return Fault("missing_file", "crash", str(error)[:200])


def _looked_at(data: bytes) -> Fault | None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            odd = why_not_plain(picture)
        decode_image(data)
    except (OSError, ValueError, SyntaxError, BadMedia) as error:
        return Fault("undecodable_image", "crash", str(error)[:200])
    if odd:
        return Fault("odd_image", "misread", f"{odd}: opened as it is, it looks otherwise")
    return None


def _shown(value: Any) -> str:
    return repr(value)[:120]
