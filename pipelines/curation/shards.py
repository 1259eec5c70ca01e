"""Self-contained shards in canonical Parquet: questions, answers and the original media bytes.

Row groups of 100 and media without a codec make shuffled reading quick; fixed writer options make
the same rows the same bytes. Views are stored as their parent's media and their history.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.curation.manifest import DatasetError, Manifest, ShardFile, read_manifest
from pipelines.curation.places import Places
from pipelines.record.canonical import canonical_json
from pipelines.record.media import BadMedia, Media
from pipelines.record.sample import Answer, Sample, prompt_from_json
from pipelines.workspace import Progress, silent

ROWS_PER_GROUP = 100
ROWS_PER_SHARD = 2000
ROWS_LOADED = 10 * ROWS_PER_SHARD
"""Rows whose samples are held at a time while shards are written."""

ReadMedia = Callable[[str], bytes]
LoadSamples = Callable[[Sequence[str]], list[Sample]]

_MEDIUM = pa.struct(
    [("media_id", pa.string()), ("kind", pa.string()), ("bytes", pa.binary())],
)
SCHEMA = pa.schema(
    [
        ("position", pa.int32()),
        ("stage", pa.int32()),
        ("padded", pa.bool_()),
        *((name, pa.string()) for name in ("split", "sample_id", "question_id", "parent_id")),
        *((name, pa.string()) for name in ("corpus", "task", "modality")),
        ("tags", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("prompt", "question", "answer", "answer_kind")),
        ("history", pa.string()),
        ("steps", pa.list_(pa.string())),
        ("licence", pa.string()),
        ("pass_rate", pa.float64()),
        ("tries", pa.int32()),
        ("source_ref", pa.string()),
        ("media", pa.list_(_MEDIUM)),
    ]
)
_LISTS = {"tags", "steps"}
_REPEATED = ("split", "corpus", "task", "modality", "answer_kind", "licence", "parent_id")
BYTES_COLUMN = "media.list.element.bytes"


def write_shards(
    folder: Path,
    places: Places,
    load: LoadSamples,
    *,
    split: str,
    read: ReadMedia,
    progress: Progress = silent,
) -> tuple[ShardFile, ...]:
    """Write rows in position order into `folder` and give the files with their hashes.

    Samples are loaded a few shards at a time. Raises BadMedia when a medium is gone or damaged.
    """
    files, samples = [], list[Sample]()
    for number, start in enumerate(range(0, len(places), ROWS_PER_SHARD)):
        if start % ROWS_LOADED == 0:
            samples = load(places.part(start, start + ROWS_LOADED).ids.written())
        path = folder / f"shard-{number:05d}.parquet"
        end = min(start + ROWS_PER_SHARD, len(places))
        with _writer(path) as writer:
            for first in range(start, end, ROWS_PER_GROUP):
                last = min(first + ROWS_PER_GROUP, end)
                begun = start - start % ROWS_LOADED
                shown = samples[first - begun : last - begun]
                group = _group(first, places.part(first, last), shown, split, read)
                writer.write_table(group, row_group_size=ROWS_PER_GROUP)
                progress("writing shards", last, len(places))
        _to_disk(path)
        files.append(ShardFile(name=path.name, rows=end - start, sha256=file_hash(path)))
    return tuple(files)


def read_rows(folder: Path, *, check: bool = True) -> Iterator[dict[str, Any]]:
    """Give the rows of a dataset version in position order, once its shards have their hashes.

    Raises DatasetError, naming the shard, for one that is missing or damaged.
    """
    manifest = read_manifest(folder)
    if check:
        require_whole(folder, manifest)
    for shard in manifest.shards:
        with pq.ParquetFile(folder / shard.name) as file:
            for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, use_threads=False):
                yield from batch.to_pylist()


def shard_samples(folder: Path, *, check: bool = True) -> list[tuple[dict[str, Any], Sample]]:
    """Give every row with its sample, in position order; the samples carry their media bytes.

    The row's own `media` is left out, so that bytes are held once. Use `media_reader` to render.
    """
    pairs: list[tuple[dict[str, Any], Sample]] = []
    held: dict[str, Media] = {}
    for row, sample in each_sample(folder, check=check):
        media = tuple(held.setdefault(medium.media_id, medium) for medium in sample.media)
        pairs.append((row, replace(sample, media=media)))
    return pairs


def each_sample(folder: Path, *, check: bool = True) -> Iterator[tuple[dict[str, Any], Sample]]:
    """Give the rows as `shard_samples` does, one at a time, so that a set of any size passes by."""
    for row in read_rows(folder, check=check):
        media = tuple(Media.of_bytes(m["bytes"], m["kind"]) for m in row.pop("media"))
        yield row, sample_of(row, media)


def media_reader(samples: Iterable[Sample]) -> ReadMedia:
    """Give the function that `render` reads media with, over samples that carry their bytes."""
    held = {medium.media_id: medium for sample in samples for medium in sample.media}

    def read(media_id: str) -> bytes:
        if media_id not in held:
            raise BadMedia("missing_file", f"media {media_id} is in none of these samples")
        return held[media_id].read()

    return read


def require_whole(folder: Path, manifest: Manifest) -> None:
    """Raise DatasetError, naming every shard that is missing or no longer has its hash."""
    damaged = []
    for shard in manifest.shards:
        path = folder / shard.name
        if not path.is_file():
            damaged.append(f"{shard.name} is missing")
        elif file_hash(path) != shard.sha256:
            damaged.append(f"{shard.name} is damaged")
    if damaged:
        raise DatasetError(
            f"{manifest.label}: {', '.join(damaged)}; `curricle doctor --repair` rebuilds the version"
        )


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _group(
    first: int, places: Places, samples: Sequence[Sample], split: str, read: ReadMedia
) -> pa.Table:
    """Give one row group, whose first row stands at position `first`."""
    rows = [
        {
            "position": first + i,
            "stage": int(places.stages[i]),
            "padded": bool(places.padded[i]),
            "split": split,
            "pass_rate": float(places.pass_rates[i]),
            "tries": int(places.tries[i]),
            **_content(sample, read),
        }
        for i, sample in enumerate(samples)
    ]
    return pa.Table.from_pylist(rows, SCHEMA).combine_chunks()


def _content(sample: Sample, read: ReadMedia) -> dict[str, Any]:
    return {
        "sample_id": sample.sample_id,
        "question_id": sample.question_id,
        "parent_id": sample.parent,
        "corpus": sample.corpus,
        "task": sample.task,
        "modality": sample.modality,
        "tags": sample.tags,
        "prompt": sample.prompt_json,
        "question": sample.question,
        "answer": canonical_json(sample.answer.as_json()),
        "answer_kind": sample.answer.kind,
        "history": canonical_json(list(sample.history)) if sample.history else None,
        "steps": sample.steps,
        "licence": sample.licence,
        "source_ref": sample.source_ref,
        "media": [
            {"media_id": m.media_id, "kind": m.kind, "bytes": read(m.media_id)}
            for m in sample.media
        ],
    }


def sample_of(row: dict[str, Any], media: tuple[Media, ...]) -> Sample:
    """Rebuild a sample from its row and check that it still has its name."""
    sample = Sample(
        prompt=prompt_from_json(json.loads(row["prompt"])),
        answer=Answer.from_json(json.loads(row["answer"])),
        media=media,
        task=row["task"],
        tags=tuple(row["tags"]),
        corpus=row["corpus"],
        source_ref=row["source_ref"],
        split=row["split"],
        licence=row["licence"] or "",
        parent=row["parent_id"],
        history=tuple(json.loads(row["history"] or "[]")),
        steps=tuple(row["steps"]),
    )
    if sample.sample_id != row["sample_id"]:
        raise DatasetError(
            f"row {row['position']} is not sample {row['sample_id']}: its content has changed"
        )
    return sample


def _writer(path: Path) -> pq.ParquetWriter:
    """Open a Parquet file with every option that shapes its bytes fixed."""
    columns = list(_leaf_columns())
    return pq.ParquetWriter(
        path,
        SCHEMA,
        version="2.6",
        data_page_version="1.0",
        compression={name: "NONE" if name == BYTES_COLUMN else "ZSTD" for name in columns},
        compression_level={name: 3 for name in columns if name != BYTES_COLUMN},
        use_dictionary=list(_REPEATED),
        # Statistics of bytes would copy whole pictures into the footer.
        write_statistics=["position", "stage", "sample_id", "pass_rate", "tries"],
        store_schema=True,
    )


def _leaf_columns() -> Iterator[str]:
    """Name the columns as Parquet does: a list has its values one level down."""
    for name in SCHEMA.names:
        if name == "media":
            yield from (f"media.list.element.{part.name}" for part in _MEDIUM)
        else:
            yield f"{name}.list.element" if name in _LISTS else name


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
