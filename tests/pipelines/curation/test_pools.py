"""Many samples at once: packed ids, numbered facts and hashes say what one sample at a time would."""

import hashlib
import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from pipelines.curation import places as places_module
from pipelines.curation.ids import Ids
from pipelines.curation.kinds import Numbering
from pipelines.curation.places import Places, dataset_rows, selection_hash
from pipelines.curation.prediction import total
from pipelines.record.canonical import content_hash
from pipelines.scoring.priors import priors_by_kind


def some_ids(count: int) -> list[str]:
    return [hashlib.sha256(bytes([i % 256, i // 256])).hexdigest()[:32] for i in range(count)]


def test_packed_ids_read_back_from_wherever_a_column_begins() -> None:
    ids = some_ids(50)
    column = pa.array(ids).slice(7, 30)
    packed = Ids.of_column(column)
    assert packed.written() == ids[7:37]
    assert packed.take(np.array([3, 0])).written() == [ids[10], ids[7]]
    assert Ids.together([Ids.of(ids[:3]), Ids.of([])]).written() == ids[:3]
    assert packed.take(packed.ascending()).written() == sorted(ids[7:37])


def test_ids_that_begin_alike_are_ordered_by_what_follows() -> None:
    ids = [f"{7:016x}{i:016x}" for i in (5, 300, 2, 9)] + [f"{3:016x}{8:016x}"]
    packed = Ids.of(ids)
    assert packed.take(packed.ascending()).written() == sorted(ids)


def test_a_draw_is_the_order_of_the_hashes_of_seed_purpose_and_id() -> None:
    ids = some_ids(300)
    packed = Ids.of(ids)
    wanted = sorted(ids, key=lambda i: hashlib.sha256(f"4:quota:{i}".encode()).hexdigest())
    assert packed.take(packed.shuffled(4, "quota")).written() == wanted


def test_equal_rows_have_one_number_over_all_batches() -> None:
    rng = random.Random(1)
    rows = [
        {
            "a": rng.choice("xyz"),
            "b": rng.choice([None, 1, 2]),
            "c": rng.choice([0.5, 0.25]),
            "d": None,
        }
        for _ in range(400)
    ]
    numbering, numbers = Numbering(), []
    for start in (0, 100, 350):
        batch = pa.RecordBatch.from_pylist(rows[start : {0: 100, 100: 350, 350: 400}[start]])
        numbers += numbering.number(batch).tolist()
    assert [numbering.rows[number] for number in numbers] == rows
    assert len(numbering.rows) == len({tuple(row.values()) for row in rows})


def test_more_combinations_than_fit_a_number_are_told_apart() -> None:
    columns = {f"c{i}": pa.array(np.random.default_rng(i).permutation(2000)) for i in range(8)}
    numbering = Numbering()
    assert sorted(numbering.number(pa.RecordBatch.from_pydict(columns)).tolist()) == [*range(2000)]


def places(count: int) -> Places:
    ids = Ids.of(some_ids(count))
    stages: NDArray[np.int32] = (np.arange(count) // 40).astype(np.int32)
    tries = np.full(count, 8, np.int32)
    return Places(ids, stages, np.arange(count) % 7 == 0, tries, np.full(count, 0.5))


@pytest.mark.parametrize("block", [1, 64, 1000])
def test_a_selection_has_the_hash_of_its_canonical_json(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(places_module, "BLOCK", block)
    rows = places(130)
    told = zip(rows.ids.written(), rows.stages.tolist(), rows.padded.tolist(), strict=True)
    assert selection_hash("train", rows) == content_hash(["train", [list(row) for row in told]])
    tables = list(dataset_rows("d", 2, "train", rows))
    assert pa.concat_tables(tables)["position"].to_pylist() == list(range(130))
    assert sum(table.num_rows for table in tables) == 130


def test_a_prior_of_counted_samples_is_that_of_the_samples_one_by_one() -> None:
    rng = np.random.default_rng(0)
    tasks = rng.integers(3, size=400)
    right = rng.binomial(8, rng.beta(0.5, 2, 400))
    each = Counter(zip(tasks.tolist(), right.tolist(), strict=True))
    one = priors_by_kind(["c"] * 400, [str(t) for t in tasks], np.full(400, 8), right)
    counted = priors_by_kind(
        ["c"] * len(each),
        [str(task) for task, _ in each],
        np.full(len(each), 8),
        np.array([k for _, k in each]),
        np.array(list(each.values())),
    )
    of_all = {(int(t), int(k)): (a, b) for t, k, a, b in zip(tasks, right, *one, strict=True)}
    assert [of_all[key] for key in each] == list(zip(*counted, strict=True))


def test_a_sum_is_the_same_in_any_order_and_grouping() -> None:
    values = [0.1] * 10 + [1e16, 1.0, -1e16] * 3
    assert total(Counter(values).items()) == total((v, 1) for v in reversed(values)) == 4.0
