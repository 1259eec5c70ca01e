"""Shards: pictures read in shuffled order, as they lie and decoded, beside peers on the same pictures.

Every contender gives the bytes of the same pictures in the same shuffled order. The peers hold
them as people would: `datasets` in an Arrow file, DuckDB as BLOBs by key, WebDataset in tar files
of 2,000 that are read in order through a shuffle buffer, which is as near to a shuffle as it comes.
The limit copies slices out of memory. Decoding to RGB is the same work for all, so it is measured
once for ours in batches and once for the decoder alone.
"""

import argparse
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import apart
import numpy as np
from measuring import finish
from PIL import Image

BATCH = 64
PER_SHARD = 2000
DECODED = 2000
"""Pictures that are decoded; it is a hundred times as slow as reading them."""


def pictures(count: int) -> Iterator[bytes]:
    """Make small photographs of noise, each another one, about ten kilobytes."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        picture = Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC)
        picture.save(buffer, "JPEG", quality=90)
        yield buffer.getvalue()


def order_of(folder: Path) -> list[int]:
    count = json.loads((folder / "facts.json").read_text())["pictures"]
    order: list[int] = np.random.default_rng(1).permutation(count).tolist()
    return order


def make(folder: Path, count: int) -> None:
    """Write the same pictures for every contender."""
    import datasets
    import duckdb
    import pyarrow as pa

    data = list(pictures(count))
    (folder / "facts.json").write_text(
        json.dumps({"pictures": count, "bytes": sum(map(len, data))})
    )
    (folder / "all.bin").write_bytes(b"".join(data))
    np.save(folder / "ends.npy", np.cumsum([0, *map(len, data)]))
    write_ours(folder / "ours", data)
    rows = pa.table({"position": range(count), "jpg": pa.array(data, pa.binary())})
    datasets.disable_progress_bars()
    datasets.Dataset(rows).save_to_disk(folder / "datasets")
    with duckdb.connect(str(folder / "blobs.duckdb")) as connection:
        connection.execute("create table pictures (position integer primary key, jpg blob)")
        connection.execute("insert into pictures select * from rows")
    for first in range(0, count, PER_SHARD):
        with tarfile.open(folder / f"shard-{first // PER_SHARD:05d}.tar", "w") as tar:
            for position in range(first, min(first + PER_SHARD, count)):
                info = tarfile.TarInfo(f"{position:08d}.jpg")
                info.size = len(data[position])
                tar.addfile(info, io.BytesIO(data[position]))


def write_ours(folder: Path, data: list[bytes]) -> None:
    """Write a version of the pictures with the writer of our shards."""
    from pipelines.curation.ids import Ids
    from pipelines.curation.manifest import MANIFEST_NAME
    from pipelines.curation.places import Places
    from pipelines.curation.shards import write_shards
    from pipelines.record.media import Media
    from pipelines.record.sample import Answer, Sample, ask

    folder.mkdir()
    samples, held = {}, {}
    for number, picture in enumerate(data):
        medium = Media.of_bytes(picture, "image")
        held[medium.media_id] = picture
        sample = Sample(
            prompt=ask("How red is it?", medium),
            media=(medium,),
            answer=Answer.number(number),
            task="bench/read",
            corpus="bench",
            source_ref=str(number),
        )
        samples[sample.sample_id] = sample
    count = len(samples)
    places = Places(
        Ids.of(samples),
        np.zeros(count, np.int32),
        np.zeros(count, np.bool_),
        np.full(count, 8, np.int32),
        np.full(count, 0.5),
    )
    files = write_shards(
        folder,
        places,
        lambda ids: [samples[sample_id] for sample_id in ids],
        split="train",
        read=held.__getitem__,
    )
    sealed = a_manifest(count).sealed(files, {})
    (folder / MANIFEST_NAME).write_text(sealed.text())


def a_manifest(count: int):  # type: ignore[no-untyped-def]
    """Describe the version: a reader asks for its shards and their hashes."""
    from pipelines.curation.counting import Counts
    from pipelines.curation.manifest import Doubts, Manifest

    texts = {
        f"predicted_{name}": "0"
        for name in ("zero_advantage", "all_right", "all_wrong", "low", "high")
    }
    return Manifest(
        dataset="bench",
        version=1,
        kind="curated",
        control=None,
        control_of=None,
        control_manifest_hash=None,
        plan={"split": "train"},
        catalog_schema=0,
        evidence=(),
        corpora=(),
        recipes=(),
        counts=Counts(samples=count, candidates=count, kept=count, dropped={}),
        interleaving="",
        stages=(),
        samples=count,
        rows=count,
        doubts=Doubts(unsolved=0, unsolved_by_all=(), blind_untested=0, shuffle_untested=0),
        mean_pass_rate="0.5",
        completions=8,
        selection_hash="",
        **texts,
    )


def ours(folder: Path) -> Iterator[bytes]:
    from pipelines.curation.reader import ShardReader

    reader = ShardReader(folder / "ours", columns=(), check=False)
    for position in order_of(folder):
        yield bytes(reader.media(position)[0])


def in_batches(folder: Path) -> Iterator[bytes]:
    from pipelines.curation.reader import ShardReader

    reader = ShardReader(folder / "ours", columns=("position", "prompt", "answer"), check=False)
    for batch in reader.batches(order_of(folder), BATCH):
        for media in batch["media"].to_pylist():
            yield media[0]["bytes"]


def by_datasets(folder: Path) -> Iterator[bytes]:
    import datasets

    data = datasets.load_from_disk(folder / "datasets").select_columns("jpg")
    order = order_of(folder)
    for start in range(0, len(order), BATCH):
        yield from data[order[start : start + BATCH]]["jpg"]


def by_webdataset(folder: Path) -> Iterator[bytes]:
    import webdataset

    urls = [str(path) for path in sorted(folder.glob("shard-*.tar"))]
    shuffled = webdataset.WebDataset(urls, shardshuffle=len(urls), seed=0).shuffle(PER_SHARD)
    for sample in shuffled:
        yield sample["jpg"]


def by_duckdb(folder: Path) -> Iterator[bytes]:
    import duckdb

    with duckdb.connect(str(folder / "blobs.duckdb"), read_only=True) as connection:
        for position in order_of(folder)[:DECODED]:
            found = connection.execute("select jpg from pictures where position = ?", [position])
            yield found.fetchone()[0]  # type: ignore[index]


def limit(folder: Path) -> Iterator[bytes]:
    data, ends = (folder / "all.bin").read_bytes(), np.load(folder / "ends.npy").tolist()
    for position in order_of(folder):
        yield data[ends[position] : ends[position + 1]]


def decoded(read: Callable[[Path], Iterator[bytes]]) -> Callable[[Path], Iterator[bytes]]:
    """Decode what another reads, to RGB; gives a byte of each picture."""

    def pixels(folder: Path) -> Iterator[bytes]:
        for number, data in enumerate(read(folder)):
            if number == DECODED:
                return
            with Image.open(io.BytesIO(data)) as picture:
                yield picture.convert("RGB").tobytes()[:1]

    return pixels


CONTENDERS = {
    "curricle": ours,
    "curricle, batches of rows": in_batches,
    "datasets": by_datasets,
    "webdataset": by_webdataset,
    "duckdb blobs": by_duckdb,
    "limit: slices of memory": limit,
    "decoded: curricle": decoded(in_batches),
    "decoded: the decoder alone": decoded(limit),
}
PACKAGES = {"webdataset": "webdataset"}


def read_all(name: str, folder: Path) -> None:
    """Time a contender from its second picture on: imports and opening are not reading."""
    read = CONTENDERS[name](folder)
    next(read)
    apart.answer(lambda: sum(1 for _ in read))


def check(folder: Path) -> None:
    """See that all give the same pictures: in the same order, or the same set of them."""
    data, ends = (folder / "all.bin").read_bytes(), np.load(folder / "ends.npy").tolist()
    wanted = [data[ends[i] : ends[i + 1]] for i in order_of(folder)]
    for read in (ours, in_batches, by_datasets):
        assert list(read(folder)) == wanted
    assert list(by_duckdb(folder)) == wanted[:DECODED]
    if apart.installed("webdataset"):
        assert sorted(by_webdataset(folder)) == sorted(wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 pictures, one round")
    parser.add_argument("--contender", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        name, where = options.contender
        read_all(name, Path(where))
        return
    count, rounds = (2_000, 1) if options.quick else (20_000, 3)
    folder = Path(tempfile.mkdtemp())
    try:
        make(folder, count)
        check(folder)
        names = [name for name in CONTENDERS if name not in PACKAGES or apart.installed(name)]
        timed = apart.interleaved(
            __file__, {name: ["--contender", name, str(folder)] for name in names}, rounds
        )
        speed = {name: int(t.result) / t.median for name, t in timed.items()}  # type: ignore[call-overload]
        print(f"{'contender':30}{'pictures/s':>12}{'ours /':>9}{'CPU us each':>13}{'peak MB':>9}")
        for name, t in timed.items():
            each = 1e6 * sorted(t.cpu_seconds)[len(t.cpu_seconds) // 2] / int(t.result)  # type: ignore[call-overload]
            print(
                f"{name:30}{speed[name]:12,.0f}{speed['curricle'] / speed[name]:9.2f}"
                f"{each:13.1f}{t.peak_megabytes:9.0f}"
            )
        figures = {
            f"ours/{name}": round(speed["curricle"] / speed[name], 2)
            for name in names[2:]
            if not name.startswith("decoded")
        }
        figures["pictures/s"] = round(speed["curricle"])
        alone = speed["decoded: the decoder alone"]
        figures["decoded/decoder alone"] = round(speed["decoded: curricle"] / alone, 3)
        finish("shards", figures)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
