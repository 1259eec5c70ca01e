"""The files of rows in a folder, and what LLaMA-Factory's `dataset_info.json` says of them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.corpora.reading import BadRecord, CorpusError, parse_json
from pipelines.corpora.tables import SUFFIXES
from pipelines.corpora.trainers.prompts import Names
from pipelines.corpora.trainers.shapes import Shape
from pipelines.record.media import MediaKind
from pipelines.record.sample import Role

INFO = "dataset_info.json"
NO_ROWS = frozenset(
    {INFO, "dataset_infos.json", "curricle-export.json", "grader.json", "state.json", "config.json"}
)
NO_FOLDERS = frozenset({"media", "originals", "images", "videos", "audios"})
_ROLES: Mapping[str, Role] = {
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}
_COLUMNS: Mapping[str, MediaKind] = {"images": "image", "videos": "video", "audios": "audio"}


def files_in(root: Path) -> list[Path]:
    """Find the files of rows. Raises CorpusError where there are none."""
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise CorpusError(f"there is no file or folder {root}")
    found = list(_walk(root))
    if not found:
        known = ", ".join(sorted(SUFFIXES))
        raise CorpusError(f"{root} holds no file of rows ({known})")
    return sorted(found)


def declared(root: Path, path: Path, shape: Shape) -> tuple[Shape, Names]:
    """Give the names that `dataset_info.json` has for the parts of a file, where it has any."""
    info = (root if root.is_dir() else root.parent) / INFO
    names = Names()
    if not info.is_file():
        return shape, names
    try:
        entries = parse_json(info.read_bytes())
    except BadRecord as error:
        raise CorpusError(f"{info} cannot be read: {error}") from error
    if not isinstance(entries, dict):
        return shape, names
    for entry in entries.values():
        if isinstance(entry, dict) and entry.get("file_name") == path.name:
            columns, tags = _words(entry.get("columns")), _words(entry.get("tags"))
            return _shape_of(shape, columns), _names_of(names, tags)
    return shape, names


def _words(said: Any) -> dict[str, str]:
    """Keep of an object what has a text for a value."""
    items = said.items() if isinstance(said, dict) else ()
    return {key: value for key, value in items if isinstance(value, str)}


def _walk(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if name not in NO_FOLDERS and name[0] not in "._"]
        for name in names:
            plain = name.removesuffix(".gz")
            if Path(plain).suffix.lower() in SUFFIXES and name not in NO_ROWS and name[0] != ".":
                yield Path(folder) / name


def _shape_of(shape: Shape, columns: Mapping[str, str]) -> Shape:
    media = dict(shape.media)
    for column, kind in _COLUMNS.items():
        if column in columns:
            media[kind] = (columns[column],)
    messages = columns.get("messages") or columns.get("prompt")
    system = columns.get("system")
    return replace(
        shape,
        prompt=(messages,) if messages else shape.prompt,
        system=(system,) if system else shape.system,
        media=media,
    )


def _names_of(names: Names, tags: Mapping[str, str]) -> Names:
    said_by = dict(names.said_by)
    for tag, role in _ROLES.items():
        if tag in tags:
            said_by[tags[tag]] = role
    roles = (tags["role_tag"],) if "role_tag" in tags else names.roles
    contents = (tags["content_tag"],) if "content_tag" in tags else names.contents
    return Names(roles, contents, said_by)
