"""Curation: ten million samples filtered by a band, ordered from easy to hard in stages, written.

All contenders read the same Parquet file, a row for each sample with its pooled evidence, as the
catalog's views give it, in no order; they write the same one: position, stage, sample, padded,
tries and pass rate. The media, and the views below the evidence, are not part of it. Ours takes
the steps of `curricle curate`; the peers are what a person would write. `--quota` cuts the set to
a seeded size too: ours by SHA-256 of the ids, the peers by a hash of their own, so that there the
sets are alike and not the same. `datasets` is measured on a tenth of the rows and set against
ours on as many.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import apart
from measuring import finish

STAGES = 5
LOW, HIGH = 0.1, 0.9
FACTS = "corpus, task, modality, answer_kind, guess_rate, tries, successes"
MAKE = """
copy (
    select md5(i::varchar) as sample_id, 'pool' as corpus, 'task-' || i % 8 as task,
        'image' as modality, ['number', 'choice', 'bool'][i % 3 + 1] as answer_kind,
        [0.0, 0.25, 0.5][i % 3 + 1]::double as guess_rate, 4 * (1 + hash(i, 1) % 4)::bigint as tries,
        round(hash(i, 2) % 1000 / 999 * 4 * (1 + hash(i, 1) % 4))::double as successes
    from range({rows}) t(i)
) to '{path}' (compression zstd)
"""
OURS = f"""
select sample_id, '' as reason, null::varchar as leak, {FACTS}, false as from_training, null::varchar as rewards,
    null::bigint as blind_tries, null::bigint as blind_successes,
    null::bigint as blind_probed_tries, null::bigint as blind_probed_successes,
    null::bigint as shuffled_tries, null::bigint as shuffled_successes,
    null::bigint as shuffled_probed_tries, null::bigint as shuffled_probed_successes,
    successes > 0 as ever_solved, 0::bigint as tries_of_all,
    null::bigint as answers, null::double as rate, null::double as alignment
from '{{path}}'
"""
# Above guessing, as a share of whole numbers: equal rates are equal, to the last digit.
EASE = "(4 * successes - 4 * guess_rate * tries) / ((4 - 4 * guess_rate) * tries)"
BY_HAND = """
copy (
    select position, ((position * {stages} + {stages} - 1) // count)::integer as stage, sample_id,
        false as padded, tries::integer as tries, successes / tries as pass_rate
    from (
        select *, row_number() over (order by ease desc, sample_id) - 1 as position,
            count(*) over () as count
        from (
            select * from (select *, {ease} as ease from '{path}')
            where ease between {low} and {high} {quota}
        )
    ) order by position
) to '{out}' (compression zstd)
"""


def ours(facts: Path, out: Path, quota: int | None) -> int:
    import duckdb
    import pyarrow.parquet as pq

    from pipelines.curation.band import choose
    from pipelines.curation.candidates import BATCH, read_samples
    from pipelines.curation.layout import lay_out
    from pipelines.curation.places import dataset_rows, places_of_pool
    from pipelines.curation.plans import Band, Order, Quota

    with duckdb.connect() as connection:
        batches = connection.execute(OURS.format(path=facts)).to_arrow_reader(BATCH)
        pool = read_samples(batches, "benchmark").pool
    chosen, _ = choose(pool, Band(low=LOW, high=HIGH), Quota(size=quota))
    laid = lay_out(pool, chosen, Order(stages=STAGES, prompts_per_step=1))
    tables = dataset_rows("bench", 1, "train", places_of_pool(pool, laid))
    names = ["position", "stage", "sample_id", "padded", "tries", "pass_rate"]
    first = next(tables).select(names)
    with pq.ParquetWriter(out, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table.select(names))
    return len(laid)


def by_polars(facts: Path, out: Path, quota: int | None) -> int:
    import polars as pl

    tries, right, guess = (pl.col(name) for name in ("tries", "successes", "guess_rate"))
    ease = (4 * right - 4 * guess * tries) / ((4 - 4 * guess) * tries)
    rows = (
        pl.scan_parquet(facts)
        .select("sample_id", "tries", "successes", ease=ease)
        .filter(pl.col("ease").is_between(LOW, HIGH))
        .collect(engine="streaming")
    )
    if quota is not None:
        rows = rows.sort(pl.col("sample_id").hash(0)).head(quota)
    rows = rows.sort(["ease", "sample_id"], descending=[True, False])
    position = pl.int_range(pl.len(), dtype=pl.Int64)
    rows.select(
        position.cast(pl.Int32).alias("position"),
        ((position * STAGES + STAGES - 1) // pl.len()).cast(pl.Int32).alias("stage"),
        "sample_id",
        pl.lit(value=False).alias("padded"),
        pl.col("tries").cast(pl.Int32),
        (right / tries).alias("pass_rate"),
    ).write_parquet(out, compression="zstd")
    return len(rows)


def by_duckdb(facts: Path, out: Path, quota: int | None) -> int:
    import duckdb

    cut = f"qualify row_number() over (order by hash(sample_id, 0)) <= {quota}" if quota else ""
    with duckdb.connect() as connection:
        found = connection.execute(
            BY_HAND.format(
                stages=STAGES, ease=EASE, path=facts, out=out, low=LOW, high=HIGH, quota=cut
            )
        ).fetchone()
    return int(found[0])  # type: ignore[index]


def by_datasets(facts: Path, out: Path, quota: int | None) -> int:
    import datasets
    import numpy as np

    datasets.disable_progress_bars()

    def eased(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        guess, tries = batch["guess_rate"], batch["tries"]
        ease = (4 * batch["successes"] - 4 * guess * tries) / ((4 - 4 * guess) * tries)
        return {"ease": ease, "hardness": -ease, "pass_rate": batch["successes"] / tries}

    def inside(batch: dict[str, np.ndarray]) -> np.ndarray:
        return (batch["ease"] >= LOW) & (batch["ease"] <= HIGH)

    def placed(rows: list[int]) -> dict[str, object]:
        stages = [(row * STAGES + STAGES - 1) // len(data) for row in rows]
        return {"position": rows, "stage": stages, "padded": [False] * len(rows)}

    with tempfile.TemporaryDirectory() as cache:
        data = datasets.load_dataset(
            "parquet", data_files=str(facts), split="train", cache_dir=cache
        ).with_format("numpy")
        data = data.map(eased, batched=True).filter(inside, batched=True)
        if quota is not None:
            data = data.shuffle(seed=0).select(range(quota))
        data = data.sort(["hardness", "sample_id"])
        data = data.map(lambda _, rows: placed(rows), batched=True, with_indices=True)
        names = ["position", "stage", "sample_id", "padded", "tries", "pass_rate"]
        data.select_columns(names).to_parquet(out)
        return len(data)


CONTENDERS: dict[str, Callable[[Path, Path, int | None], int]] = {
    "curricle": ours,
    "polars": by_polars,
    "duckdb by hand": by_duckdb,
    "datasets": by_datasets,
}
PACKAGES = {"polars": "polars", "datasets": "datasets"}


def make_facts(path: Path, rows: int) -> None:
    """Write pooled evidence; ids are hashes, so that the rows stand in no order."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(MAKE.format(rows=rows, path=path))


def check_order(facts: Path, out: Path) -> None:
    """Read an order with pyarrow alone: in the band, easy before hard, each sample once, staged."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    order = pq.read_table(out)
    known = pq.read_table(facts, columns=["sample_id", "guess_rate", "tries", "successes"])
    where = pc.index_in(order["sample_id"], known["sample_id"].combine_chunks())
    assert where.null_count == 0
    assert pc.count_distinct(where).as_py() == len(order)
    guess, tries, right = (
        known[name].take(where).to_numpy() for name in ("guess_rate", "tries", "successes")
    )
    ease = (4 * right - 4 * guess * tries) / ((4 - 4 * guess) * tries)
    assert ((ease >= LOW) & (ease <= HIGH)).all()
    assert (np.diff(ease) <= 0).all()
    ids = order["sample_id"].combine_chunks()
    alike = pc.or_(pc.less(ids[:-1], ids[1:]), np.diff(ease) < 0)
    assert pc.all(alike).as_py()
    position = np.arange(len(order))
    assert (order["position"].to_numpy() == position).all()
    assert (order["stage"].to_numpy() == (position * STAGES + STAGES - 1) // len(order)).all()
    assert (order["pass_rate"].to_numpy() == right / tries).all()


def content(out: Path) -> str:
    """Hash what an order says, whatever wrote it."""
    import numpy as np
    import pyarrow.parquet as pq

    names = ("position", "stage", "padded", "tries", "pass_rate")
    hashes = {name: hashlib.sha256() for name in ("sample_id", *names)}
    for batch in pq.ParquetFile(out).iter_batches(100_000):
        hashes["sample_id"].update("".join(batch["sample_id"].to_pylist()).encode())
        for name in names:
            values = batch[name].to_numpy(zero_copy_only=False).astype(np.float64)
            hashes[name].update(values.tobytes())
    return " ".join(found.hexdigest() for found in hashes.values())


def compare(
    folder: Path, rows: int, names: list[str], rounds: int, quota: int | None
) -> dict[str, apart.Apart]:
    """Run contenders over so many rows, and see that their orders are the same."""
    facts = folder / f"facts-{rows}.parquet"
    if not facts.exists():
        make_facts(facts, rows)
    outs = {name: folder / f"{name}-{rows}.parquet" for name in names}
    extra = ["--size", str(quota)] if quota else []
    timed = apart.interleaved(
        __file__,
        {name: ["--contender", name, str(facts), str(outs[name]), *extra] for name in names},
        rounds,
    )
    for name in names:
        check_order(facts, outs[name])
    if not quota and len({content(outs[name]) for name in names if name != "datasets"}) > 1:
        raise AssertionError("the contenders wrote different orders")
    if len({repr(t.result) for t in timed.values()}) > 1:
        raise AssertionError(f"the contenders did different work: {timed}")
    return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, one round")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quota", action="store_true", help="cut the set to a quarter of the rows")
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        name, facts, out = options.contender
        apart.answer(lambda: CONTENDERS[name](Path(facts), Path(out), options.size))
        return
    rows = 200_000 if options.quick else options.rows
    names = [name for name in CONTENDERS if name not in PACKAGES or apart.installed(PACKAGES[name])]
    folder = Path(tempfile.mkdtemp())
    try:
        large = [name for name in names if name != "datasets"]
        share = 4 if options.quota else 0
        figures: dict[str, object] = {"rows": rows}
        timed = compare(folder, rows, large, options.rounds, rows // share if share else None)
        apart.table(timed, "curricle")
        sys.stdout.flush()
        mine = timed["curricle"]
        figures |= {f"ours/{n}": round(mine.median / timed[n].median, 3) for n in large[1:]}
        figures["peak MB"] = round(mine.peak_megabytes)
        if "datasets" in names:
            tenth = compare(
                folder,
                rows // 10,
                ["curricle", "datasets"],
                1,
                rows // 10 // share if share else None,
            )
            apart.table(tenth, "curricle")
            figures["datasets/ours"] = round(tenth["datasets"].median / tenth["curricle"].median, 1)
        finish("curate", figures)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
