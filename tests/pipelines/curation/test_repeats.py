"""What repeats a benchmark, or another sample, stays out of a set, and the set says how much."""

from collections.abc import Sequence

import pyarrow as pa
from small_catalog import a_plan, add, filled, picture_question, sum_question, tried

from pipelines.catalog.ledger import append
from pipelines.curation.curate import Frozen, curate
from pipelines.curation.manifest import LeaksRemoved, read_manifest
from pipelines.record.sample import Sample
from pipelines.workspace import Workspace


def benchmark(workspace: Workspace, name: str, revision: str) -> None:
    row = {"corpus": name, "revision": revision, "benchmark": True}
    with workspace.catalog.write() as connection:
        append(connection, "corpora", pa.Table.from_pylist([row]))


def leaked(
    workspace: Workspace, samples: Sequence[Sample], name: str, verdict: str = "leak"
) -> None:
    rows = [
        {"sample_id": sample.sample_id, "benchmark": name, "verdict": verdict} for sample in samples
    ]
    with workspace.catalog.write() as connection:
        append(connection, "leaks", pa.Table.from_pylist(rows))


def repeated(workspace: Workspace, sample: Sample, keeper: Sample) -> None:
    row = {"sample_id": sample.sample_id, "keeper_id": keeper.sample_id, "how": "by hand"}
    with workspace.catalog.write() as connection:
        append(connection, "duplicates", pa.Table.from_pylist([row]))


def chosen(workspace: Workspace, frozen: Frozen) -> set[str]:
    rows = workspace.catalog.rows(
        "select sample_id from dataset_samples where dataset = ? and version = ?",
        *(frozen.dataset, frozen.version),
    )
    return {row["sample_id"] for row in rows}


def test_a_leak_is_in_no_set_and_counted_by_its_benchmark(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 8)
    benchmark(workspace, "exam", "2024")
    benchmark(workspace, "other", "")
    leaked(workspace, samples[:3], "exam")
    dry = curate(workspace, a_plan(), dry_run=True)
    assert "3 that repeat a benchmark" in dry.counts.lines()[0]
    frozen = curate(workspace, a_plan(gates={"duplicates": "keep"}))
    ids = {sample.sample_id for sample in samples[3:]}
    assert chosen(workspace, frozen) == ids
    assert frozen.control_folder is not None
    for folder in (frozen.folder, frozen.control_folder):
        manifest = read_manifest(folder)
        assert manifest.leaks == (
            LeaksRemoved(benchmark="exam", revision="2024", samples=3),
            LeaksRemoved(benchmark="other", revision="", samples=0),
        )
        assert manifest.counts.dropped["leak"] == 3
    card = frozen.card.read_text()
    assert "## Leaks removed" in card
    assert "| exam | 2024 | 3 |" in card
    assert "| other | – | 0 |" in card


def test_one_of_a_pair_of_duplicates_stays_and_both_where_a_plan_keeps_them(
    workspace: Workspace,
) -> None:
    samples = filled(workspace, [4] * 4)
    repeated(workspace, samples[0], samples[1])
    frozen = curate(workspace, a_plan())
    assert chosen(workspace, frozen) == {sample.sample_id for sample in samples[1:]}
    assert frozen.counts.dropped["duplicate"] == 1
    both = curate(workspace, a_plan(name="both", gates={"duplicates": "keep"}))
    assert both.samples == 4


def test_a_benchmarks_picture_is_dropped_only_where_a_plan_is_strict(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 4, picture_question)
    benchmark(workspace, "exam", "1")
    leaked(workspace, samples[:2], "exam", "same picture")
    assert curate(workspace, a_plan()).samples == 4
    strict = curate(workspace, a_plan(name="strict", gates={"same_picture": "drop"}))
    assert (strict.samples, strict.counts.dropped["same_picture"]) == (2, 2)


def test_plans_and_manifests_that_drop_none_of_these_keep_their_form(workspace: Workspace) -> None:
    filled(workspace, [4] * 4)
    gates = a_plan().as_json()["gates"]
    assert not {"duplicates", "same_picture"} & set(gates)  # type: ignore[arg-type]
    strict = a_plan(gates={"same_picture": "drop", "duplicates": "keep"})
    assert type(strict).model_validate(strict.as_json()) == strict
    frozen = curate(workspace, a_plan())
    text = (frozen.folder / "manifest.json").read_text()
    assert not [word for word in ('"leak', '"duplicate', '"same_picture') if word in text]
    assert "Leaks removed" not in frozen.card.read_text()
    add(workspace, [sum_question(70)])
    tried(workspace, {sum_question(70).sample_id: 0}, policy="late")
    assert not curate(workspace, a_plan()).minted
