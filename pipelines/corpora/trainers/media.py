"""Media as trainers' rows hold them: paths, bytes, data URLs, and the structs of `datasets`."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.corpora.reading import media_in
from pipelines.curation.formats.row import MEDIA, ORIGINALS
from pipelines.record.media import BadMedia, Media, MediaKind

_HASH = re.compile(r"[0-9a-f]{64}")
SHORTEST = 64
"""Characters of base64 at least; a shorter text is a path."""


def media_of(value: Any, kind: MediaKind, root: Path, folder: Path) -> Media:
    """Refer to a medium that a row holds. Raises BadMedia for one that is not there.

    A path is looked for beside the file, then from the root of the corpus; nothing outside that
    is opened, and nothing is fetched.
    """
    if isinstance(value, bytes):
        return Media.of_bytes(value, kind)
    if isinstance(value, Mapping):
        keys = ("bytes", kind, "url", "path", f"{kind}_url")
        value = next((value[key] for key in keys if value.get(key) is not None), None)
        if isinstance(value, bytes):
            return Media.of_bytes(value, kind)
    if not isinstance(value, str) or not value:
        raise BadMedia("missing_file", f"{type(value).__name__} where a medium should be")
    if value.startswith("data:"):
        return Media.of_bytes(_decoded(value.partition(";base64,")[2]), kind)
    if value.startswith(("http://", "https://", "hf://", "s3://")):
        raise BadMedia("remote_file", f"{value[:200]} is not fetched; bring it beside the rows")
    path = Path(value.removeprefix("file://"))
    found = next(_candidates(path, root, folder), None)
    if found is None and len(value) >= SHORTEST and "." not in value[-8:]:
        return Media.of_bytes(_decoded(value), kind)
    return media_in(root, str(found or path), kind)


def kept(media_id: str, kind: MediaKind, root: Path) -> Media | None:
    """Find a medium that an export of ours kept by its hash."""
    if not _HASH.fullmatch(media_id):
        return None
    for folder in (root / ORIGINALS, root / MEDIA):
        for path in sorted(folder.glob(f"{media_id}*")):
            return media_in(folder, path.name, kind)
    return None


def listed(value: Any) -> Sequence[Any]:
    """Give the media of a column, which may hold one, several or none."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list | tuple) else [value]


def _candidates(path: Path, root: Path, folder: Path) -> Iterator[Path]:
    """Give the files inside the corpus that a path may mean, as absolute paths."""
    # An export that was moved names its media where they were.
    tries = [folder / path, root / path, root / MEDIA / path.name, root / "images" / path.name]
    inside = root.resolve()
    for one in tries:
        try:
            if one.is_file() and one.resolve().is_relative_to(inside):
                yield one.resolve()
        except (OSError, ValueError):
            continue


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMedia("undecodable_base64", str(error)[:200]) from error
