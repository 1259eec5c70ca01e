"""Where the records of a mapped corpus lie: in tables, in pairs of files, or in the files' names.

Every record is given its reference and what is known of it before it is looked into; beside its
own fields it has `_file` (path of its file in the corpus), `_name` and `_folder`, `_row`, and the
named groups of `name_pattern`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.corpora.archives import Place, is_archive
from pipelines.corpora.arrow_tables import is_saved_dataset
from pipelines.corpora.labelme import boxes_answer, shapes_by_label
from pipelines.corpora.mapped.mapping import Mapping
from pipelines.corpora.reading import BadRecord, CorpusError, Fields, read_object
from pipelines.corpora.tables import CODE, SUFFIXES, Row, fields_of, rows

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
CLIPS = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a")
VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
MEDIA = (*IMAGES, *CLIPS, *VIDEOS)
TEXTS = (".txt", ".cls", ".cls2", ".caption", ".lab", ".md")
LONGEST_TEXT = 2**24


@dataclass(frozen=True, slots=True)
class Found:
    """A record as it lies in the corpus; `fields` looks into it, on whatever core that is done."""

    ref: str
    file: str
    """Path of its file, relative to the corpus."""
    row: Row = field(default_factory=dict)
    number: int = 0
    """Number of its row; 0 where the file is one record."""
    parts: tuple[tuple[str, Path], ...] = ()
    """Of a pair, what each ending is in; of LabelMe, its one file."""

    def fields(self, mapping: Mapping) -> Fields:
        """Give all its fields. Raises BadRecord where there are none."""
        path = PurePosixPath(self.file)
        known = {
            "_file": self.file,
            "_name": path.name,
            "_folder": path.parent.name,
            "_row": self.number,
            **_named(mapping, self.file),
        }
        if mapping.format == "labelme":
            return {**known, **_labelled(self.parts[0][1], self.file)}
        read = {ending: _read(part) for ending, part in self.parts}
        parts = {ending: value for ending, value in read.items() if value is not None}
        return {**known, **fields_of(self.row), **parts}


def found(places: Sequence[Place], mapping: Mapping) -> Iterator[Found]:
    """Give the records of a corpus. Raises CorpusError where no file is one of its."""
    root = places[0].folder
    if not root.exists():
        raise CorpusError(f"there is no folder {root}")
    files = [(place, path) for place in places for path in matching(place.folder, mapping)]
    if mapping.format == "pairs":
        chosen = _pairs(files)
    elif mapping.format in ("media", "labelme"):
        wanted = (".json",) if mapping.format == "labelme" else MEDIA
        chosen = _single([f for f in files if f[1].suffix.lower() in wanted])
    else:
        chosen = _tables([f for f in files if _may_be_table(f[1], mapping)], mapping)
    first = next(chosen, None)
    if first is None:
        raise CorpusError(_nothing(root, mapping, [path for _, path in files]))
    yield first
    yield from chosen


def matching(folder: Path, mapping: Mapping) -> list[Path]:
    """List the files, or folders that `datasets` saved, that the patterns name, in order."""
    if folder.is_file():
        return [folder]
    if is_saved_dataset(folder):
        return [folder]
    inside = folder.resolve()
    seen = {path for pattern in mapping.patterns for path in folder.glob(pattern)}
    kept = [p for p in seen if p.resolve().is_relative_to(inside) and not _is_hidden(p, folder)]
    saved = {path for path in kept if path.is_dir() and is_saved_dataset(path)}
    return sorted(
        path
        for path in kept
        if path in saved or (path.is_file() and not any(s in path.parents for s in saved))
    )


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)


def _may_be_table(path: Path, mapping: Mapping) -> bool:
    """Leave out what a pattern as wide as `**/*` finds beside the tables."""
    if mapping.patterns != ("**/*",) or path.is_dir():
        return True
    name = path.name.lower().removesuffix(".gz")
    described = path.name in ("dataset_info.json", "dataset_infos.json", "package.json")
    return name.endswith((*SUFFIXES, *CODE)) and not name.endswith(".py") and not described


def _tables(files: list[tuple[Place, Path]], mapping: Mapping) -> Iterator[Found]:
    form = None if mapping.format == "auto" else mapping.format
    for place, path in files:
        name = _name(place, path)
        for number, row in rows(path, form):  # type: ignore[arg-type]
            yield Found(f"{name}:{number}" if number else name, name, row, number)


def _pairs(files: list[tuple[Place, Path]]) -> Iterator[Found]:
    """Group files by what their names have before the first dot, as WebDataset does."""

    def stem(file: tuple[Place, Path]) -> tuple[str, str]:
        name = PurePosixPath(_name(*file))
        return str(name.parent), name.name.partition(".")[0]

    usable = [file for file in files if not is_archive(file[1]) and file[1].suffix not in CODE]
    for (folder, key), group in groupby(sorted(usable, key=stem), key=stem):
        parts = [(path.name.partition(".")[2].lower(), path) for _, path in group]
        ref = key if folder == "." else f"{folder}/{key}"
        yield Found(ref, ref, {"__key__": key}, 0, tuple(parts))


def _single(files: list[tuple[Place, Path]]) -> Iterator[Found]:
    for place, path in files:
        name = _name(place, path)
        yield Found(name, name, {}, 0, (("_medium", path),))


def _name(place: Place, path: Path) -> str:
    if path == place.folder:
        return f"{place.prefix}{path.name}"
    return f"{place.prefix}{path.relative_to(place.folder).as_posix()}"


def _named(mapping: Mapping, file: str) -> Fields:
    if not mapping.name_pattern:
        return {}
    match = re.search(mapping.name_pattern, file)
    if match is None:
        raise BadRecord("name_does_not_match", f"{file!r} is not as name_pattern says"[:200])
    return {name: value for name, value in match.groupdict().items() if value is not None}


def _read(path: Path) -> Any:
    """Read one part of a pair: JSON and texts as such, media as the path of their file."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        return read_object(path)
    if suffix in TEXTS:
        data = path.read_bytes()[:LONGEST_TEXT]
        try:
            return data.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise BadRecord("not_utf8", f"{path.name}: {error}") from error
    return {"file": path} if suffix in MEDIA else None


def _labelled(path: Path, file: str) -> Fields:
    """Give the fields of a LabelMe file; `labels` has an item a label, with its boxes."""
    record = read_object(path)
    labels = [
        {"label": label, "count": len(boxes), "boxes": boxes, "kind": boxes_answer(boxes).kind}
        for label, boxes in shapes_by_label(record).items()
    ]
    beside = PurePosixPath(file).parent / str(record.get("imagePath", "")).replace("\\", "/")
    picture = record.get("imageData") or str(beside)
    return {**record, "labels": labels, "image": picture}


def _nothing(root: Path, mapping: Mapping, files: Sequence[Path]) -> str:
    patterns = " or ".join(mapping.patterns)
    unsafe = next((path for path in files if path.suffix.lower() in CODE), None)
    if unsafe is not None:
        return (
            f"{root} holds nothing that is safe to read: {unsafe.name} could run code when it is "
            "opened; save the data as Parquet or JSON Lines"
        )
    return f"{root} holds no record in {patterns} (format {mapping.format!r})"
