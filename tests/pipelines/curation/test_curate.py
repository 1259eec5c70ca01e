"""Freezing a plan: what is chosen, what is dropped and why, and when a version is new."""

from dataclasses import replace
from pathlib import Path

import pytest
from small_catalog import a_plan, add, filled, picture_question, sum_question, tried

from pipelines.curation import curate as curate_module
from pipelines.curation.curate import EmptySelection, curate
from pipelines.curation.manifest import read_manifest
from pipelines.record.sample import Answer
from pipelines.workspace import Workspace, WrongUse

RIGHTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 0, 0, 4, 4]


def chosen(workspace: Workspace, dataset: str = "small", version: int = 1) -> list[str]:
    rows = workspace.catalog.rows(
        "select sample_id from dataset_samples "
        "where dataset = ? and version = ? and not padded order by position",
        dataset,
        version,
    )
    return [row["sample_id"] for row in rows]


def test_a_plan_becomes_a_version_with_shards_control_and_card(workspace: Workspace) -> None:
    samples = filled(workspace, RIGHTS)
    frozen = curate(workspace, a_plan())
    assert (frozen.label, frozen.minted, frozen.samples, frozen.rows) == ("small@1", True, 9, 12)
    kept = {s.sample_id for s, k in zip(samples, RIGHTS, strict=True) if 0 < k < 8}
    assert set(chosen(workspace)) == kept
    assert frozen.counts.dropped["too_easy"] == 3
    assert frozen.counts.dropped["unsolved"] == 3
    assert frozen.counts.kept + sum(frozen.counts.dropped.values()) == len(RIGHTS)
    names = {path.name for path in frozen.folder.iterdir()}
    assert names == {"shard-00000.parquet", "manifest.json", "card.md", "croissant.json"}
    assert frozen.card.name == "small@1.md"
    assert (frozen.control, frozen.control_version) == ("small-control", 1)


def test_what_is_registered_is_what_was_written(workspace: Workspace) -> None:
    filled(workspace, RIGHTS)
    frozen = curate(workspace, a_plan())
    rows = workspace.catalog.rows(
        "select dataset, version, kind, control_of, n_rows, path, manifest_hash from datasets order by all"
    )
    assert [(r["dataset"], r["kind"], r["control_of"]) for r in rows] == [
        ("small", "curated", None),
        ("small-control", "control", "small@1"),
    ]
    manifest = read_manifest(workspace.root / rows[0]["path"])
    assert manifest.manifest_hash == rows[0]["manifest_hash"]
    assert manifest.control == "small-control@1"
    assert rows[0]["n_rows"] == frozen.rows
    assert not list(workspace.datasets.rglob(".tmp-*"))


def test_the_same_selection_gives_the_same_version_back(workspace: Workspace) -> None:
    samples = filled(workspace, RIGHTS)
    plan = a_plan(order={"by": "random"})
    first = curate(workspace, plan)
    add(workspace, [sum_question(90)])
    tried(workspace, {samples[4].sample_id: 5}, policy="tiny2", reward="sum_question@1")
    again = curate(workspace, plan)
    assert replace(again, minted=True) == first
    assert not again.minted
    smaller = curate(workspace, a_plan(quota={"size": 5}))
    assert (smaller.version, smaller.control_version, smaller.minted) == (2, 2, True)


@pytest.mark.slow
def test_a_control_that_was_left_out_can_be_asked_for_later(workspace: Workspace) -> None:
    filled(workspace, RIGHTS)
    assert curate(workspace, a_plan(control={"draw": False})).control is None
    assert curate(workspace, a_plan()).version == 2
    assert curate(workspace, a_plan(control={"draw": False})).version == 2


def test_a_dry_run_tells_and_writes_nothing(workspace: Workspace) -> None:
    filled(workspace, RIGHTS)
    dry = curate(workspace, a_plan(), dry_run=True)
    assert (dry.version, dry.rows, dry.minted) == (1, 12, False)
    assert not workspace.datasets.exists()
    assert dry.predicted_zero_advantage == curate(workspace, a_plan()).predicted_zero_advantage


def test_the_control_is_drawn_before_the_band(workspace: Workspace) -> None:
    samples = filled(workspace, [0] * 40 + [4] * 20 + [8] * 40)
    filled(workspace, [4] * 10, picture_question)
    frozen = curate(workspace, a_plan(where="corpus = 'sums'"))
    drawn = chosen(workspace, "small-control")
    assert len(drawn) == len(set(drawn)) == frozen.samples == 20
    assert set(drawn) <= {sample.sample_id for sample in samples}
    assert set(drawn) != set(chosen(workspace))
    assert frozen.control_predicted_zero_advantage is not None
    assert frozen.control_predicted_zero_advantage > 2 * frozen.predicted_zero_advantage


def test_an_empty_band_is_one_sentence_and_no_version(workspace: Workspace) -> None:
    filled(workspace, [0] * 5 + [8] * 7)
    with pytest.raises(EmptySelection) as error:
        curate(workspace, a_plan())
    assert str(error.value) == (
        "plan 'small' keeps none of its 12 candidates: "
        "7 too easy, 5 never solved for the band 0.1 to 0.9"
    )
    assert workspace.catalog.rows("select * from datasets") == []
    assert not workspace.datasets.exists()


def test_no_candidates_is_told_with_the_reasons(workspace: Workspace) -> None:
    add(workspace, [sum_question(i, split="test" if i < 2 else "train") for i in range(6)])
    tried(workspace, {sum_question(2).sample_id: 1}, tries=2)
    with pytest.raises(
        EmptySelection, match="of 6 samples, 2 in another split, 3 without matching"
    ):
        curate(workspace, a_plan())


def test_a_policy_without_evidence_is_named(workspace: Workspace) -> None:
    filled(workspace, RIGHTS)
    with pytest.raises(WrongUse, match="no evidence of policy 'huge'; there is some of tiny"):
        curate(workspace, a_plan(evidence={"policies": ["huge"]}))


def test_evidence_is_pooled_over_the_policies_that_match(workspace: Workspace) -> None:
    (sample,) = filled(workspace, [0])
    tried(workspace, {sample.sample_id: 8}, policy="lab/good", reward="sum_question@1")
    tried(workspace, {sample.sample_id: 8}, policy="other", reward="sum_question@1")
    frozen = curate(workspace, a_plan(evidence={"policies": ["tiny", "lab/*"]}))
    used = read_manifest(frozen.folder).evidence
    assert [(u.policy, u.tries) for u in used] == [("lab/good", 8), ("tiny", 8)]
    row = workspace.catalog.rows("select tries, pass_rate from dataset_samples where not padded")[0]
    assert row == {"tries": 16, "pass_rate": 0.5}


def test_two_rewards_for_one_sample_must_be_told_apart(workspace: Workspace) -> None:
    (sample,) = filled(workspace, [4])
    tried(workspace, {sample.sample_id: 4}, policy="lab", reward="judge@2")
    with pytest.raises(WrongUse, match=r"judge@2, sum_question@1.*`reward` of \[evidence\]"):
        curate(workspace, a_plan())
    frozen = curate(workspace, a_plan(evidence={"reward": "judge"}))
    assert [u.reward_id for u in read_manifest(frozen.folder).evidence] == ["judge@2"]


def test_a_sample_seen_in_a_test_split_is_never_trained_on(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 6)
    # The same question in another corpus's test split, and a sibling of another one.
    add(workspace, [replace(samples[0], corpus="other", source_ref="t/1", split="test")])
    sibling = sum_question(50, parent=samples[1].sample_id, split="test", source_ref="t/2")
    add(workspace, [sibling])
    curate(workspace, a_plan())
    assert set(chosen(workspace)) == {sample.sample_id for sample in samples[2:]}
    assert set(chosen(workspace, "small-control")) == set(chosen(workspace))
    tried(workspace, {sibling.sample_id: 3}, policy="tiny2", reward="sum_question@1")
    curate(workspace, a_plan(name="held", split="test"))
    held = {samples[0].sample_id, samples[1].sample_id, sibling.sample_id}
    assert set(chosen(workspace, "held")) == held


def test_conflicting_originals_and_their_views_are_left_out(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 4, picture_question)
    rival = replace(samples[0], answer=Answer.number(777), source_ref="x")
    step = {"name": "flip", "params": {}, "version": 1}
    view = replace(samples[0], parent=samples[0].sample_id, history=(step,), recipe="r")
    add(workspace, [rival, view])
    tried(workspace, {rival.sample_id: 4, view.sample_id: 4}, policy="tiny2")
    frozen = curate(workspace, a_plan(include_views=True, evidence={"reward": "*"}))
    assert frozen.counts.dropped["conflict"] == 3
    assert set(chosen(workspace)) == {sample.sample_id for sample in samples[1:]}


def test_views_come_only_when_they_are_asked_for(workspace: Workspace) -> None:
    samples = filled(workspace, [4] * 4, picture_question)
    step = {"name": "flip", "params": {}, "version": 1}
    view = replace(samples[0], parent=samples[0].sample_id, history=(step,), recipe="flips")
    add(workspace, [view])
    tried(workspace, {view.sample_id: 4}, policy="tiny2", reward="picture_question@1")
    without = curate(workspace, a_plan())
    assert (without.samples, without.counts.dropped["view"]) == (4, 1)
    frozen = curate(workspace, a_plan(include_views=True))
    assert frozen.samples == 5
    manifest = read_manifest(frozen.folder)
    assert [(r.recipe, r.samples) for r in manifest.recipes] == [("flips", 1)]
    assert [(c.corpus, c.samples) for c in manifest.corpora] == [("digits", 5)]


def test_a_kill_before_registering_leaves_what_the_next_run_finishes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(workspace, RIGHTS)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.curation.landing._register", die)
        with pytest.raises(KeyboardInterrupt):
            curate(workspace, a_plan())
    orphan = workspace.datasets / "small-control" / "1"
    assert orphan.is_dir()
    (orphan / "stray").write_text("half")
    (workspace.datasets / "small" / ".tmp-1").mkdir()
    frozen = curate(workspace, a_plan())
    assert (frozen.version, frozen.minted) == (1, True)
    assert not (orphan / "stray").exists()
    assert sorted(path.name for path in frozen.folder.parent.iterdir()) == [".lock", "1"]


def test_a_version_whose_folder_is_gone_is_written_again(workspace: Workspace) -> None:
    import shutil

    filled(workspace, RIGHTS)
    first = curate(workspace, a_plan())
    before = _bytes(first.folder)
    shutil.rmtree(first.folder)
    assert not curate(workspace, a_plan()).minted
    assert _bytes(first.folder) == before


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_only_a_workspace_can_be_curated(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="not a workspace"):
        curate_module.curate(Workspace(tmp_path / "nothing"), a_plan())
