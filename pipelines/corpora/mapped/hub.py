"""Datasets of the Hugging Face hub, fetched through `datasets` into a staging folder.

No code of a repository is run: `datasets` has no scripts any more, and what it reads are tables
and folders of media. Each split becomes one Parquet file, with the media in it.
"""

import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.corpora.reading import CorpusError

if TYPE_CHECKING:
    import pyarrow as pa

HUB = "hf://"
AT_ONCE = 100
"""Rows that are fetched and written together."""

_NAME = re.compile(r"(?P<repo>[^:@]+)(?::(?P<config>[^@]+))?(?:@(?P<revision>.+))?")


@contextmanager
def fetched(address: str, staging: Path) -> Iterator[Path]:
    """Give a folder with a Parquet file for each split of `hf://owner/name[:config][@revision]`.

    Raises CorpusError where the hub cannot be reached or has no such dataset.
    """
    folder = staging / f"hub-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    try:
        _fetch(address, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(address: str, folder: Path) -> None:
    from datasets import load_dataset

    name = _NAME.fullmatch(address.removeprefix(HUB))
    if name is None:
        raise CorpusError(f"{address!r} is no address such as hf://owner/name:config@revision")
    try:
        splits = load_dataset(
            name["repo"],
            name["config"],
            revision=name["revision"],
            streaming=True,
            cache_dir=str(folder / ".cache"),
        )
        for split, rows in splits.items():
            _write(rows, folder / f"{split}.parquet", name["repo"])
    except Exception as error:  # the hub, its client and the readers fail in many ways
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise CorpusError(f"{address} could not be fetched: {why}") from error


def _write(rows: Any, path: Path, repo: str) -> None:
    """Write the rows of one split as they are stored, undecoded."""
    import pyarrow.parquet as pq

    writer = None
    for table in rows.with_format("arrow").iter(batch_size=AT_ONCE):
        whole = _with_media(table, rows.features, repo)
        if rows.features:  # they say which numbers stand for names
            whole = whole.replace_schema_metadata(rows.features.arrow_schema.metadata)
        writer = writer or pq.ParquetWriter(path, whole.schema)
        writer.write_table(whole.cast(writer.schema))
    if writer is not None:
        writer.close()


def _with_media(table: "pa.Table", features: Any, repo: str) -> "pa.Table":
    """Put the files that a folder of media names into their column, where they are its own."""
    import pyarrow as pa

    for name, feature in (features or {}).items():
        if type(feature).__name__ not in ("Image", "Audio", "Video"):
            continue
        cells = [_with_bytes(cell, repo) for cell in table.column(name).to_pylist()]
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(cells, kind))
    return table


def _with_bytes(cell: dict[str, Any] | None, repo: str) -> dict[str, Any] | None:
    from datasets.utils.file_utils import xopen

    if cell is None or cell.get("bytes") is not None:
        return cell
    path = str(cell.get("path") or "")
    own = f"{HUB}datasets/{repo}@", f"{HUB}datasets/{repo}/", f"{Path(repo).absolute()}/"
    if not path.startswith(own) or ".." in path.split("/"):
        return {"bytes": None, "path": path}
    with xopen(path, "rb") as file:
        return {"bytes": file.read(), "path": Path(path).name}
