"""One contender of benchmarks/ingest.py, as a program of its own: NAME CORPUS OUT.

Each reads the records and, of every picture, its bytes' SHA-256, its pixels, their SHA-256 and
perceptual hash; keeps the picture under its hash; and writes rows with an id of their content.
That is what ingest does, but for screening, sources, rejects, and processes that may be lost.
Nothing is imported that a contender's own environment does not have.
"""

import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

COLUMNS = ("media_id", "content_hash", "width", "height", "phash")
NOTHING: dict[str, Any] = dict.fromkeys(COLUMNS)


def facts(root: Path, out: Path, image: str | None) -> dict[str, Any]:
    """Look at a picture and keep it."""
    if not image:
        return NOTHING
    import numpy as np
    from PIL import Image

    from pipelines.record.phash import phashes

    data = (root / "images" / image).read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    digest = hashlib.sha256(data).hexdigest()
    kept = out / "media" / digest[:2] / digest
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
    seen = hashlib.sha256(repr(pixels.shape).encode())
    seen.update(pixels)
    height, width = pixels.shape[:2]
    return dict(
        zip(COLUMNS, (digest, seen.hexdigest(), width, height, phashes(pixels)[0]), strict=True)
    )


def row_of(record: dict[str, Any], root: Path, out: Path) -> dict[str, Any]:
    """Make a row of a record."""
    found = facts(root, out, record["image"])
    content = json.dumps([record["question"], record["answer"], found["media_id"]])
    key = hashlib.sha256(content.encode()).hexdigest()[:32]
    return {"id": key, "question": record["question"], "answer": record["answer"], **found}


def curricle(root: Path, out: Path) -> None:
    from functools import partial

    from pipelines.corpora.reading import read_lines
    from pipelines.corpora.registry import Corpus
    from pipelines.ingest import ingest
    from pipelines.workspace import Workspace

    def read(folder: Path) -> Any:
        return read_lines("bench", folder / "data.jsonl", ".", partial(sample_of, folder))

    ingest(Workspace(out), Corpus("bench", "benchmark", "none", "", read), root)


def sample_of(root: Path, ref: str, record: dict[str, Any]) -> Any:
    from pipelines.corpora.reading import media_in, text_of
    from pipelines.record.sample import Answer, Sample, ask

    media = (media_in(root / "images", record["image"], "image"),) if record["image"] else ()
    return Sample(
        prompt=ask(text_of(record, "question"), *media),
        answer=Answer.number(text_of(record, "answer")),
        media=media,
        task="bench/read",
        corpus="bench",
        source_ref=ref,
    )


def loop(root: Path, out: Path) -> None:
    """Take one record after the other, and insert each as it is made."""
    import duckdb

    with duckdb.connect(out / "rows.duckdb") as connection:
        connection.execute(
            "create table rows (id varchar, question varchar, answer varchar, media_id varchar, "
            "content_hash varchar, width integer, height integer, phash bigint)"
        )
        with (root / "data.jsonl").open() as lines:
            for line in lines:
                row = row_of(json.loads(line), root, out)
                connection.execute(
                    "insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)", list(row.values())
                )
        connection.execute(f"copy rows to '{out}/rows.parquet'")


def threads(root: Path, out: Path) -> None:
    """Make the rows on two threads, and write them all at once."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow as pa
    import pyarrow.parquet as pq

    with (root / "data.jsonl").open() as lines, ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda line: row_of(json.loads(line), root, out), lines))
    pq.write_table(pa.Table.from_pylist(rows), out / "rows.parquet")


def datasets_map(root: Path, out: Path) -> None:
    import datasets

    datasets.disable_progress_bars()
    data = datasets.load_dataset(
        "json", data_files=str(root / "data.jsonl"), split="train", cache_dir=str(out / "cache")
    )
    rows = data.map(row_of, fn_kwargs={"root": root, "out": out}, num_proc=2)
    rows.remove_columns("image").to_parquet(out / "rows.parquet")


def datachain(root: Path, out: Path) -> None:
    import os

    os.environ["DATACHAIN_ROOT_DIR"] = str(out / "state")
    import datachain as dc

    # It knows no missing values here: nothing stands in their place.
    kinds: dict[str, type] = {
        "id": str,
        "question": str,
        "answer": str,
        "media_id": str,
        "content_hash": str,
        "width": int,
        "height": int,
        "phash": int,
    }

    def look(question: str, answer: str, image: str) -> tuple[Any, ...]:
        row = row_of({"question": question, "answer": answer, "image": image}, root, out)
        return tuple(kind() if row[name] is None else row[name] for name, kind in kinds.items())

    chain = dc.read_json((root / "data.jsonl").as_uri(), format="jsonl", column="line")
    params = [f"line.{name}" for name in ("question", "answer", "image")]
    chain = chain.settings(parallel=2).map(look, params=params, output=kinds)
    chain.select(*kinds).to_parquet(str(out / "rows.parquet"))


def data_juicer(root: Path, out: Path) -> None:
    from data_juicer.core.data import NestedDataset
    from data_juicer.ops.base_op import Mapper
    from datasets import load_dataset

    class Look(Mapper):  # type: ignore[misc]
        def process_single(self, sample: dict[str, Any]) -> dict[str, Any]:
            return sample | row_of(sample, root, out)

    data = load_dataset(
        "json", data_files=str(root / "data.jsonl"), split="train", cache_dir=str(out / "cache")
    )
    rows = NestedDataset(data).process([Look(num_proc=2)])
    rows.remove_columns("image").to_parquet(str(out / "rows.parquet"))


def limit(root: Path, _out: Path) -> None:
    """Read, hash and decode the pictures on two threads, and nothing else."""
    from concurrent.futures import ThreadPoolExecutor

    from PIL import Image

    def look(path: Path) -> str:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            picture.convert("RGB")
        return hashlib.sha256(data).hexdigest()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(look, sorted((root / "images").glob("*.jpg"))))


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {
    "curricle": curricle,
    "datasets.map": datasets_map,
    "threads by hand": threads,
    "loop by hand": loop,
    "DataChain": datachain,
    "Data-Juicer": data_juicer,
    "limit": limit,
}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
