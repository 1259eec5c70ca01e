"""A dataset version as files that another trainer loads: rows, media, and how to keep the order.

Written aside and moved into place whole. What is written depends on the version, the options and
the folder alone, so the same export again gives the same bytes.
"""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.curation.formats import FORMATS, Format
from pipelines.curation.formats.row import MEDIA, ORIGINALS, Layout, MediaForm, Row
from pipelines.curation.formats.rows import Asking, exported_rows
from pipelines.curation.landing import version_folder
from pipelines.curation.manifest import DatasetError, Manifest, read_manifest
from pipelines.curation.shards import file_hash, require_whole
from pipelines.curation.versions import last_version, registered
from pipelines.record.writing import writing
from pipelines.workspace import Progress, Workspace, WrongUse, silent

NOTE = "curricle-export.json"
"""Says what an export was made of; a folder with it is one of ours."""
OLD = ".old"
ROWS_PER_GROUP = 100
HELD_OUT = 20
"""Of a format that must have a validation file: one family in so many, where none is given."""


@dataclass(frozen=True)
class Export:
    """What was written."""

    dataset: str
    format: str
    folder: Path
    files: dict[str, int]
    """Rows by file name."""
    media: int
    """Media files beside them."""
    redrawn: int
    """Rows whose media were drawn anew: views, and pictures that other loaders get wrong."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one file."""

    split: str
    folder: Path
    manifest: Manifest


def export(
    workspace: Workspace,
    dataset: str,
    to: str,
    out: Path,
    *,
    media: MediaForm | None = None,
    asking: Asking | None = None,
    split: str | None = None,
    validation: str | None = None,
    at: str | None = None,
    progress: Progress = silent,
) -> Export:
    """Write `name[@version]` in a trainer's format into `out`.

    Args:
        split: what the rows are called there; else as the version's plan says.
        validation: a dataset for the validation file.
        at: where the trainer will find the folder, for loaders that want absolute paths.

    Raises WrongUse for a format that cannot hold the rows, or a folder of something else.
    """
    form = _format(to)
    out = out.absolute()
    _require_free(out)
    parts = [_part(workspace, dataset, split)]
    if validation is not None:
        parts.append(_part(workspace, validation, "validation"))
    layout = Layout(_form(form, media), _kinds(parts, form), at or out.as_posix())
    partial = out.with_name(f".tmp-{out.name}-{os.getpid()}")
    for left in out.parent.glob(f".tmp-{glob.escape(out.name)}-*"):
        _remove_left(left)
    partial.mkdir(parents=True)
    try:
        with writing(out):
            done = _Writer(form, layout, partial, asking or Asking(), progress).write(parts)
        _put_in_place(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Export(parts[0].manifest.label, form.name, out, **done)


def dataset_named(workspace: Workspace, named: str) -> Manifest:
    """Find `name@version`, or the newest version of `name`. Raises WrongUse when there is none."""
    name, _, version = named.partition("@")
    if version:
        if not version.isdigit():
            raise WrongUse(f"{named!r} is no dataset version; write it as {name}@1")
        try:
            return registered(workspace, name, int(version))
        except DatasetError as error:
            raise WrongUse(str(error)) from error
    last = last_version(workspace, name)
    if last is None:
        raise WrongUse(f"there is no dataset {name!r}; `curricle status` lists what there is")
    return last.manifest


class _Writer:
    """Writes the files of one export."""

    def __init__(
        self, form: Format, layout: Layout, folder: Path, asking: Asking, progress: Progress
    ) -> None:
        self.form = form
        self.layout = layout
        self.folder = folder
        self.asking = asking
        self.progress = progress
        self.redrawn = 0
        self.kept: set[str] = set()

    def write(self, parts: Sequence[_Part]) -> dict[str, Any]:
        """Write rows, media and what stands beside them; give the counts."""
        rows: dict[str, int] = {}
        for part in parts:
            total = part.manifest.rows
            stream = self._counted(exported_rows(part.folder, part.split, self.asking), total)
            if self.form.held_out and len(parts) == 1:
                held = _held_out(part.folder)
                rows |= self._file("train", (r for r in stream if _family(r) not in held))
                again = exported_rows(part.folder, "validation", self.asking)
                rows |= self._file("validation", (r for r in again if _family(r) in held))
            else:
                rows |= self._file(part.split, stream)
        files = {name.partition(".")[0]: name for name in rows}
        beside = self.form.beside(files, self.layout)
        beside["README.md"] = _readme(self.form, self.layout, parts, rows)
        for name, text in beside.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        self._note(parts, rows)
        media = sum(name.startswith(MEDIA) for name in self.kept)
        return {"files": rows, "media": media, "redrawn": self.redrawn}

    def _counted(self, rows: Iterable[Row], total: int) -> Iterator[Row]:
        for number, row in enumerate(rows, start=1):
            yield row
            self.progress("writing rows", number, total)

    def _file(self, split: str, rows: Iterable[Row]) -> dict[str, int]:
        path = self.folder / f"{split}.{self.form.ending}"
        records = (self._record(row) for row in rows)
        schema = self.form.schema
        count = (
            _write_lines(path, records)
            if schema is None
            else _write_parquet(path, records, schema(self.layout))
        )
        if not count:
            raise WrongUse(
                f"{split} would have no rows; name a dataset for it with --validation, or export "
                "a larger one"
            )
        return {path.name: count}

    def _record(self, row: Row) -> dict[str, Any]:
        most = self.form.most_media
        if most is not None and len(row.media) > most:
            raise WrongUse(
                f"{row.where} has {len(row.media)} media, and {self.form.title} has place for "
                f"{most}; export to trl, verl or ms-swift"
            )
        if self.layout.form == "paths":
            for medium in row.media:
                self._keep(medium.path, medium.data)
        shown = {medium.name.partition(".")[0] for medium in row.media}
        unseen = [medium for medium in row.sample.media if medium.media_id not in shown]
        for original in unseen:
            self._keep(f"{ORIGINALS}/{original.media_id}", original.read())
        self.redrawn += bool(unseen)
        return self.form.record(row, self.layout)

    def _keep(self, name: str, data: bytes) -> None:
        """Write a file that many rows may share, once."""
        if name not in self.kept:
            self.kept.add(name)
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

    def _note(self, parts: Sequence[_Part], rows: dict[str, int]) -> None:
        note = {
            "format": self.form.name,
            "media": self.layout.form,
            "at": self.layout.at,
            "boxes": self.asking.boxes,
            "max_pixels": self.asking.max_pixels,
            "template": self.asking.template.name,
            "prompts_per_step": _prompts(parts[0].manifest),
            "datasets": {part.manifest.label: part.manifest.manifest_hash for part in parts},
            "files": {
                name: {"rows": count, "sha256": file_hash(self.folder / name)}
                for name, count in rows.items()
            },
        }
        text = json.dumps(note, indent=1, sort_keys=True) + "\n"
        (self.folder / NOTE).write_text(text, encoding="utf-8")


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise WrongUse(f"there is no format {name!r}; known: {', '.join(sorted(FORMATS))}")
    return FORMATS[name]


def _form(form: Format, media: MediaForm | None) -> MediaForm:
    if media is not None and media not in form.forms:
        raise WrongUse(f"{form.title} takes media {form.forms[0]} only; leave out --media {media}")
    return media or form.forms[0]


def _kinds(parts: Sequence[_Part], form: Format) -> frozenset[Any]:
    """Find the kinds of media that any row has. Raises WrongUse for one that has no column."""
    found: set[str] = set()
    for part in parts:
        for shard in part.manifest.shards:
            column = pq.read_table(part.folder / shard.name, columns=["modality"])["modality"]
            found |= {kind for one in column.unique().to_pylist() for kind in one.split("+")}
    found -= {"text"}
    if lost := sorted(found - form.kinds):
        able = [name for name, one in FORMATS.items() if found <= one.kinds]
        raise WrongUse(
            f"{form.title} has no column for {' or '.join(lost)}; "
            f"export {parts[0].manifest.label} to {' or '.join(able)}"
        )
    return frozenset(found)


def _part(workspace: Workspace, named: str, split: str | None) -> _Part:
    manifest = dataset_named(workspace, named)
    folder = version_folder(workspace, manifest.dataset, manifest.version)
    require_whole(folder, manifest)
    if read_manifest(folder).manifest_hash != manifest.manifest_hash:
        raise WrongUse(f"{folder} is not {manifest.label}; its manifest was exchanged")
    called = split or str(manifest.plan["split"])
    if not called.replace("-", "_").isidentifier():
        raise WrongUse(f"{called!r} is no name for a split; use letters, such as train")
    return _Part(called, folder, manifest)


def _require_free(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise WrongUse(f"{out} is a file; name a folder to export to")
    if out.is_dir() and any(out.iterdir()) and not (out / NOTE).is_file():
        raise WrongUse(f"{out} holds something else than an export; name an empty folder")


def _remove_left(folder: Path) -> None:
    """Remove what an export that was killed left half written."""
    number = folder.name.removesuffix(OLD).rpartition("-")[2]
    if number.isdigit() and int(number) != os.getpid():
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            return


def _put_in_place(partial: Path, out: Path) -> None:
    """Move the folder to its place; an export of ours that stands there is replaced."""
    old = partial.with_name(f"{partial.name}{OLD}")
    if out.exists():
        out.replace(old)
    partial.replace(out)
    shutil.rmtree(old, ignore_errors=True)


def _held_out(folder: Path) -> set[str]:
    """Draw the families of a validation file: one in twenty, at least one, by their hashes."""
    families: set[str] = set()
    for shard in read_manifest(folder).shards:
        table = pq.read_table(folder / shard.name, columns=["parent_id", "sample_id"])
        families |= {row["parent_id"] or row["sample_id"] for row in table.to_pylist()}
    drawn = sorted(families, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return set(drawn[: max(1, len(drawn) // HELD_OUT)]) if len(drawn) > 1 else set()


def _family(row: Row) -> str:
    return row.sample.parent or row.sample.sample_id


def _prompts(manifest: Manifest) -> int:
    return int(manifest.plan["order"]["prompts_per_step"])


def _write_lines(path: Path, records: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def _write_parquet(path: Path, records: Iterable[dict[str, Any]], schema: pa.Schema) -> int:
    """Write small row groups with fixed options; pictures do not compress further."""
    count, stream = 0, iter(records)
    with pq.ParquetWriter(
        path, schema, version="2.6", compression="ZSTD", write_statistics=False
    ) as writer:
        while batch := list(islice(stream, ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(batch, schema).combine_chunks())
            count += len(batch)
    return count


def _readme(form: Format, layout: Layout, parts: Sequence[_Part], rows: dict[str, int]) -> str:
    name = next(iter(rows))
    told = {
        "{train}": name,
        "{split}": name.partition(".")[0],
        "{at}": layout.at,
        "{prompts}": str(_prompts(parts[0].manifest)),
    }
    use = form.use
    for mark, said in told.items():
        use = use.replace(mark, said)
    files = "\n".join(f"- `{file}`: {count} rows" for file, count in rows.items())
    made = ", ".join(part.manifest.label for part in parts)
    return f"""# {made} for {form.title}

Written by `curricle export`. Rows are in curated order; keep the padding rows (`padded`), which
fill each stage up to whole steps.

{files}

{use}

Each row carries `sample_id`, `position`, `stage`, `pass_rate` and, in `reference`, what its answer is
graded against. The field `curricle` holds the sample itself: `curricle ingest NAME FOLDER --as
{form.name}` reads the very samples back, with the media in `{ORIGINALS}/` where those that are shown
were drawn anew.
"""
