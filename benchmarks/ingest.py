"""Ingest: 20,000 records with 5,000 pictures, into rows with content ids and checked media.

Ours screens, decodes, hashes, stores and commits. The peers do what a person would write: decode
and hash the pictures, make rows, write them to DuckDB; they keep no sources, rejects or media
store. The limit reads, hashes and decodes the pictures on two threads and does nothing else.
"""

import argparse
import hashlib
import io
import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from measuring import interleaved, report
from PIL import Image

from pipelines.corpora.reading import media_in, read_lines, text_of
from pipelines.corpora.registry import Corpus
from pipelines.ingest import ingest
from pipelines.quiet import library_defaults
from pipelines.record.sample import Answer, Sample, ask
from pipelines.workspace import Workspace


def make_corpus(root: Path, records: int, pictures: int) -> None:
    """Write a JSON Lines corpus with small photographs of noise, four records to a picture."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    for number in range(pictures):
        pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC)
        picture.save(root / "images" / f"{number}.jpg", quality=90)
    with (root / "data.jsonl").open("w") as file:
        for number in range(records):
            row = {
                "question": f"What is {number}?",
                "answer": str(number),
                "image": number % pictures,
            }
            file.write(json.dumps(row) + "\n")


def read(root: Path):  # type: ignore[no-untyped-def]
    def make(ref: str, record: dict[str, object]) -> Sample:
        picture = media_in(root, f"images/{record['image']}.jpg", "image")
        return Sample(
            prompt=ask(text_of(record, "question"), picture),
            answer=Answer.number(text_of(record, "answer")),
            media=(picture,),
            task="bench/read",
            corpus="bench",
            source_ref=ref,
        )

    return read_lines("bench", root / "data.jsonl", ".", make)


def ours(root: Path) -> int:
    corpus = Corpus("bench", "benchmark", "none", "", read)
    with tempfile.TemporaryDirectory() as folder:
        return ingest(Workspace(Path(folder)), corpus, root).new


def look(path: Path) -> tuple[str, int, int]:
    data = path.read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.convert("RGB").size
    return hashlib.sha256(data).hexdigest(), width, height


def rows_of(root: Path, looked: dict[int, tuple[str, int, int]]) -> pa.Table:
    rows = []
    for line in (root / "data.jsonl").open():
        record = json.loads(line)
        digest, width, height = looked[record["image"]]
        key = hashlib.sha256(f"{record['question']}{record['answer']}{digest}".encode()).hexdigest()
        rows.append((key, record["question"], record["answer"], digest, width, height))
    names = ["id", "question", "answer", "media", "width", "height"]
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def insert(table: pa.Table) -> int:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/c.duckdb") as con:
        con.register("new", table)
        con.execute("create table samples as from new")
        return con.execute("select count(*) from samples").fetchone()[0]  # type: ignore[index]


def threads(root: Path) -> int:
    paths = sorted((root / "images").glob("*.jpg"), key=lambda p: int(p.stem))
    with ThreadPoolExecutor(4) as pool:
        looked = dict(enumerate(pool.map(look, paths)))
    return insert(rows_of(root, looked))


def loop(root: Path) -> int:
    looked: dict[int, tuple[str, int, int]] = {}
    for line in (root / "data.jsonl").open():
        number = json.loads(line)["image"]
        looked[number] = look(root / "images" / f"{number}.jpg")
    return insert(rows_of(root, looked))


def hugging_face(root: Path) -> int:
    import datasets

    datasets.disable_progress_bars()

    def facts(batch: dict[str, list[int]]) -> dict[str, list[object]]:
        found = [look(root / "images" / f"{number}.jpg") for number in batch["image"]]
        return dict(
            zip(("media", "width", "height"), map(list, zip(*found, strict=True)), strict=True)
        )

    with tempfile.TemporaryDirectory() as cache:
        data = datasets.load_dataset(
            "json", data_files=str(root / "data.jsonl"), split="train", cache_dir=cache
        )
        return insert(data.map(facts, batched=True, num_proc=2).data.table)


def limit(root: Path, records: int) -> int:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(look, sorted((root / "images").glob("*.jpg"))))
    return records


def main() -> None:
    library_defaults()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one round")
    quick = parser.parse_args().quick
    records, pictures = (2_000, 500) if quick else (20_000, 5_000)
    root = Path(tempfile.mkdtemp())
    try:
        make_corpus(root, records, pictures)
        contenders = {
            "curricle": lambda: ours(root),
            "threads by hand": lambda: threads(root),
            "loop by hand": lambda: loop(root),
            "datasets.map": lambda: hugging_face(root),
            "limit: read, hash, decode": lambda: limit(root, records),
        }
        timed = interleaved(contenders, 1 if quick else 3)
        report("ingest", timed, ours="curricle", limit="limit: read, hash, decode")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
