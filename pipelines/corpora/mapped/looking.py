"""Look at a corpus that nobody has described: how it is laid out and what its columns hold."""

import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.corpora.archives import is_archive
from pipelines.corpora.arrow_tables import is_saved_dataset
from pipelines.corpora.mapped.layouts import CLIPS, IMAGES, MEDIA, TEXTS, VIDEOS
from pipelines.corpora.mapped.mapping import Layout
from pipelines.corpora.reading import BadRecord, CorpusError, Fields, read_object
from pipelines.corpora.tables import CODE, SUFFIXES, fields_of, rows
from pipelines.record.media import MediaKind

MOST_FILES = 20_000
MOST_ROWS = 200
"""Looked at; what holds for these is taken to hold for all."""
DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")

_PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_CLIP_STARTS = (b"fLaC", b"OggS", b"ID3")


@dataclass(frozen=True, slots=True)
class Column:
    """What was seen of one field."""

    name: str
    values: tuple[Any, ...]
    """Those that were not missing."""
    rows: int

    @property
    def texts(self) -> list[str]:
        """Those that are text."""
        return [value for value in self.values if isinstance(value, str)]

    @property
    def is_text(self) -> bool:
        """Whether it holds nothing but text."""
        return bool(self.values) and len(self.texts) == len(self.values)

    @property
    def is_unique(self) -> bool:
        """Whether no value comes twice."""
        shown = [str(value) for value in self.values]
        return len(set(shown)) == len(shown) == self.rows

    @property
    def media(self) -> MediaKind | None:
        """The kind of media that it holds, by its values; None for no media."""
        kinds = {_kind_of(value) for value in self.values}
        return kinds.pop() if len(kinds) == 1 else None


@dataclass(frozen=True, slots=True)
class Seen:
    """How a corpus is laid out, and its first rows by column."""

    root: Path
    layout: Layout
    files: tuple[str, ...]
    """Patterns of the files that hold its records."""
    columns: dict[str, Column] = field(default_factory=dict)
    archives: tuple[str, ...] = ()
    """Patterns of archives beside them."""
    names: tuple[str, ...] = ()
    """Paths of the media there are."""
    problems: Counter[str] = field(default_factory=Counter)
    """Reasons why rows could not be read."""


def looked_at(root: Path) -> Seen:
    """Look at a folder or file. Raises CorpusError where nothing in it could be a record."""
    if not root.exists():
        raise CorpusError(f"there is no folder {root}")
    files = _files(root)
    archives = _patterns([path for path in files if is_archive(path)], root)
    tables = [path for path in files if _is_table(path)]
    media = [path for path in files if path.suffix.lower() in MEDIA]
    if is_saved_dataset(root):
        return _of_tables(root, [root], "saved", (), ())
    if tables and _is_labelme(tables[0]):
        return Seen(root, "labelme", _patterns(tables, root), {}, archives)
    if _are_pairs(tables, files):
        pairs = [path for path in files if path.suffix.lower() in (*MEDIA, *TEXTS, ".json")]
        return _of_pairs(root, pairs, ("**/*",), archives)
    if tables:
        shown = tuple(path.relative_to(root).as_posix() for path in media)
        return _of_tables(root, tables, "auto", archives, shown)
    if tars := [path for path in files if is_archive(path) and ".tar" in path.name]:
        return _of_tar(root, tars[0], archives)
    if media:
        names = tuple(path.relative_to(root).as_posix() for path in media)
        return Seen(root, "media", _patterns(media, root), {}, archives, names)
    raise CorpusError(_nothing(root, files))


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    shown = (p for p in found if not any(part[0] == "." for part in p.relative_to(root).parts))
    return sorted(islice(shown, MOST_FILES))


def _is_table(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(tuple(SUFFIXES)) and path.name not in DESCRIPTIONS


def _is_labelme(path: Path) -> bool:
    try:
        return {"shapes", "imagePath"} <= read_object(path).keys()
    except BadRecord:
        return False


def _are_pairs(tables: Sequence[Path], files: Sequence[Path]) -> bool:
    """Tell whether most pictures or clips have a text of their own name beside them."""
    media = {path.with_suffix("") for path in files if path.suffix.lower() in MEDIA}
    texts = {path.with_suffix("") for path in files if path.suffix.lower() in (*TEXTS, ".json")}
    other = [path for path in tables if path.suffix.lower() != ".json"]
    return not other and len(media & texts) > len(media) / 2


def _of_tables(
    root: Path,
    tables: list[Path],
    layout: Layout,
    archives: tuple[str, ...],
    names: tuple[str, ...],
) -> Seen:
    problems: Counter[str] = Counter()
    shares = max(MOST_ROWS // len(tables), 5)
    records = [one for path in tables[:50] for one in _rows(path, shares, problems)]
    return Seen(
        root, layout, _patterns(tables, root), columns_of(records), archives, names, problems
    )


def _of_pairs(
    root: Path, files: list[Path], patterns: tuple[str, ...], archives: tuple[str, ...]
) -> Seen:
    records: dict[str, dict[str, Any]] = {}
    for path in files[: 4 * MOST_ROWS]:
        stem, _, ending = path.relative_to(root).as_posix().partition(".")
        with_json = path.suffix == ".json" and not _is_labelme(path)
        value = _object(path) if with_json else _text(path) if path.suffix in TEXTS else path.name
        records.setdefault(stem, {})[ending.lower()] = value
    return Seen(root, "pairs", patterns, columns_of(list(records.values())), archives)


def _of_tar(root: Path, tar: Path, archives: tuple[str, ...]) -> Seen:
    """Look at the first members of a tar, without writing any of them."""
    records: dict[str, dict[str, Any]] = {}
    try:
        with tarfile.open(tar, "r|*") as file:
            for member in islice(file, 2 * MOST_ROWS):
                path = PurePosixPath(member.name)
                stem, _, ending = path.name.partition(".")
                if not member.isreg() or member.size > 2**24:
                    continue
                data = file.extractfile(member)
                raw = data.read() if data and path.suffix in (".json", *TEXTS) else b""
                value = _parsed(raw) if path.suffix == ".json" else raw.decode(errors="replace")
                records.setdefault(stem, {})[ending.lower()] = value or path.name
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CorpusError(f"{tar} is damaged: {error}") from error
    # One that is a tar itself is unpacked as it is.
    found = () if root.is_file() else archives
    return Seen(root, "pairs", ("**/*",), columns_of(list(records.values())), found)


def columns_of(records: Sequence[Fields]) -> dict[str, Column]:
    """Gather the values of each field, those inside objects under dotted names."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in _flat(record):
            values.setdefault(name, []).append(value)
    return {
        name: Column(name, tuple(v for v in found if v not in (None, "")), len(records))
        for name, found in values.items()
    }


def _flat(record: Fields, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        full = f"{prefix}{name}"
        if isinstance(value, Mapping) and not {"bytes", "path"} & value.keys() and len(full) < 80:
            yield from _flat(value, f"{full}.")
        else:
            yield full, value


def _rows(path: Path, most: int, problems: Counter[str]) -> Iterator[Fields]:
    for _, row in islice(rows(path), most):
        try:
            yield fields_of(row)
        except BadRecord as error:
            problems[error.reason] += 1


def _kind_of(value: Any) -> MediaKind | None:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return _kind_by_start(value)
    if not isinstance(value, str) or "\n" in value.strip():
        return None
    if value.startswith("data:"):
        return next(
            (k for k in ("image", "audio", "video") if value.startswith(f"data:{k}/")), None
        )
    if value.startswith(("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")) and len(value) > 64:
        return "audio" if "V0FWRQ" in value[:24] or "BV0FWR" in value[:24] else "image"
    name = value.lower()
    kinds: dict[MediaKind, tuple[str, ...]] = {"image": IMAGES, "audio": CLIPS, "video": VIDEOS}
    return next((kind for kind, endings in kinds.items() if name.endswith(endings)), None)


def _kind_by_start(data: bytes) -> MediaKind | None:
    if data.startswith(_PICTURE_STARTS) or data[8:12] == b"WEBP":
        return "image"
    if (
        data.startswith(_CLIP_STARTS)
        or data[8:12] == b"WAVE"
        or data[:2] in (b"\xff\xfb", b"\xff\xf3")
    ):
        return "audio"
    return "video" if data[4:8] == b"ftyp" or data.startswith(b"\x1aE\xdf\xa3") else None


def _patterns(paths: Sequence[Path], root: Path) -> tuple[str, ...]:
    """Describe files by as few patterns as there are folders at the top and endings."""
    if root.is_file() or root in paths:
        return ("**/*",)
    found: dict[str, None] = {}
    for path in paths:
        inner = PurePosixPath(path.relative_to(root).as_posix())
        ending = "".join(inner.suffixes[-2:]) if inner.suffix == ".gz" else inner.suffix
        deep = {0: "", 1: f"{inner.parts[0]}/"}.get(len(inner.parts) - 1, f"{inner.parts[0]}/**/")
        found[f"{deep}*{ending}"] = None
    if len(found) > 6:
        found = {f"**/*{pattern.rpartition('*')[2]}": None for pattern in found}
    return tuple(found)


def _object(path: Path) -> Any:
    try:
        return dict(read_object(path))
    except BadRecord:
        return None


def _parsed(raw: bytes) -> Any:
    try:
        return dict(fields_of(raw))
    except BadRecord:
        return None


def _text(path: Path) -> str:
    return re.sub(r"\0", " ", path.read_bytes()[:10_000].decode("utf-8", "replace"))


def _nothing(root: Path, files: Sequence[Path]) -> str:
    unsafe = next((path for path in files if path.suffix.lower() in CODE), None)
    if unsafe is not None:
        return (
            f"{root} holds nothing that is safe to read: {unsafe.name} could run code when it is "
            "opened; save the data as Parquet or JSON Lines"
        )
    return f"{root} holds no table, picture, clip or archive that could be a record"
