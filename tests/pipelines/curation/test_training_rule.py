"""Plans that hear training runs: what was made easy, what did not align, and tries without scoring."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from small_catalog import a_plan, filled, tried

from pipelines.catalog.catalog import now
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit, append, begin, commit
from pipelines.catalog.ledger import plan as plan_units
from pipelines.curation.curate import EmptySelection, Frozen, curate
from pipelines.curation.kinds import Trained
from pipelines.curation.manifest import Manifest, read_manifest
from pipelines.curation.plans import Plan, TrainingRule
from pipelines.curation.training import judge_trained
from pipelines.curation.versions import rebuild
from pipelines.workspace import Workspace, WrongUse

GROUP = 8


def trained(
    workspace: Workspace,
    steps: Sequence[Mapping[str, int]],
    *,
    run_id: str = "run-1",
    dataset: str = "old",
    reward: str = "sum_question@1",
) -> None:
    """Store a run as training does: for each step the right answers of each sample, of eight."""
    run = {
        "run_id": run_id,
        "dataset": dataset,
        "version": 1,
        "policy_id": "id-of-tiny",
        "trained_policy_id": f"id-of-{run_id}-out",
        "started_at": now(),
    }
    units = [Unit(job=run_id, kind="train", round=i, batch=0, inputs={}) for i in range(len(steps))]
    with workspace.catalog.write() as connection:
        append(connection, "runs", pa.Table.from_pylist([run]))
        plan_units(connection, units)
        for step, (unit, rights) in enumerate(zip(units, steps, strict=True), start=1):
            attempt = begin(connection, unit.unit_id)
            groups = [_group(i, key, right) for i, (key, right) in enumerate(rights.items())]
            told = {"run_id": run_id, "step": step, "attempt": attempt, "unit_id": unit.unit_id}
            rollouts = [
                _answer(run_id, reward, step, key, k=k, correct=k < right)
                for key, right in rights.items()
                for k in range(GROUP)
            ]
            tables = evidence_tables(rollouts, unit.unit_id, attempt)
            tables["train_groups"] = pa.Table.from_pylist([told | group for group in groups])
            commit(connection, unit.unit_id, attempt, tables)


def _group(slot: int, sample_id: str, right: int) -> dict[str, Any]:
    counts = {"answers": GROUP, "graded": GROUP, "successes": right}
    flags = {"came": "planned", "entered": True, "padded": False}
    return {"slot": slot, "position": slot, "sample_id": sample_id, **counts, **flags}


def _answer(run_id: str, reward: str, step: int, key: str, *, k: int, correct: bool) -> Rollout:
    return Rollout(
        sample_id=key,
        policy_id="id-of-tiny",
        template_id="plain",
        sampling_id="warm",
        purpose="train",
        origin=run_id,
        round=step,
        step=step,
        k=k,
        sampling={},
        reward_id=reward,
        value=float(correct),
        correct=correct,
    )


def plan_of(**keys: Any) -> Plan:
    return a_plan(control={"draw": False}, **keys)


def ids_of(workspace: Workspace, frozen: Frozen) -> set[str]:
    rows = workspace.catalog.rows(
        "select sample_id from dataset_samples where dataset = ? and version = ?",
        *(frozen.dataset, frozen.version),
    )
    return {row["sample_id"] for row in rows}


def manifest_of(frozen: Frozen) -> Manifest:
    return read_manifest(frozen.folder)


def test_what_a_run_made_easy_is_dropped_and_stays_a_candidate(workspace: Workspace) -> None:
    samples = filled(workspace, [4, 4, 4, 4])
    keys = [sample.sample_id for sample in samples]
    # The first was learned, the second unlearned, the third never moved, the last never asked.
    trained(workspace, [dict(zip(keys, k, strict=False)) for k in ((2, 8, 4), (8, 2, 4))])
    rule = {"runs": ["latest"], "drop_easy_above": 0.9}
    without = curate(workspace, plan_of(training=rule | {"max_age": 0}))
    assert ids_of(workspace, without) == set(keys[1:])
    assert (without.counts.candidates, without.counts.dropped["made_easy"]) == (4, 1)
    assert manifest_of(without).training is not None
    assert "trained on" in without.card.read_text()
    # Over the whole run none was right more than nine times of ten.
    assert curate(workspace, plan_of(name="all", training=rule)).samples == 4


def test_a_sample_that_was_hardly_asked_passes() -> None:
    rule = TrainingRule(runs=("r",), drop_easy_above=0.9, alignment=0.6, minimum=8)

    def judged(trained: Trained | None, guess: float = 0.0, corrected: bool = True) -> str:
        return judge_trained(trained, rule, guess, guess_correction=corrected)

    assert judged(None) == judged(Trained(7, 1.0, None)) == judged(Trained(8, 0.9, 0.61)) == ""
    assert judged(Trained(8, 0.91, None)) == "made_easy"
    assert judged(Trained(8, 0.5, 0.6)) == "not_aligned"
    # Nine of ten and a little more is not above guessing by that, where half is guessed.
    assert judged(Trained(8, 0.92, None), 0.5) == ""
    assert judged(Trained(8, 0.92, None), 0.5, corrected=False) == "made_easy"


def test_what_did_not_learn_as_the_whole_is_dropped(workspace: Workspace) -> None:
    keys = [sample.sample_id for sample in filled(workspace, [4, 4, 4])]
    rising = [(0, 0, 4), (4, 3, 4), (8, 8, 0)]
    trained(workspace, [dict(zip(keys, k, strict=True)) for k in rising])
    rule = {"runs": ["old@1"], "alignment": 0.6}
    frozen = curate(workspace, plan_of(training=rule))
    assert ids_of(workspace, frozen) == set(keys[:2])
    assert frozen.counts.dropped["not_aligned"] == 1


def test_training_answers_are_tries_of_the_trained_policy(workspace: Workspace) -> None:
    keys = [sample.sample_id for sample in filled(workspace, [8, 8, 8, 8])]
    tried(workspace, {keys[0]: 6}, policy="run-1-out", reward="sum_question@1")
    first, second = dict(zip(keys[1:3], (0, 4), strict=True)), {keys[1]: 6, keys[0]: 1}
    trained(workspace, [first, second])
    plan = plan_of(
        evidence={"policies": ["run-1-out"]},
        training={"runs": ["run-1"], "tries": True, "gamma": 0.5},
    )
    frozen = curate(workspace, plan)
    rows = workspace.catalog.rows(
        "select sample_id, tries, pass_rate from dataset_samples "
        "where dataset = 'small' and not padded"
    )
    found = {row["sample_id"]: (row["tries"], row["pass_rate"]) for row in rows}
    # Scored tries come first; eight answers a step ago weigh four, beside eight of the last step.
    assert found == {
        keys[0]: (8, 0.75),
        keys[1]: (12, 0.5),
        keys[2]: (4, 0.5),
    }
    assert frozen.counts.dropped["no_evidence"] == 1
    training = manifest_of(frozen).training
    assert training is not None
    assert training.samples == tuple(sorted(keys[1:3]))
    (run,) = training.runs
    assert (run.run_id, run.samples, run.answers, run.last_step) == ("run-1", 2, 24, 2)
    assert "such **training answers**" in frozen.card.read_text()


def test_old_answers_are_too_few_tries_or_none(workspace: Workspace) -> None:
    keys = [sample.sample_id for sample in filled(workspace, [8, 8])]
    trained(workspace, [{keys[0]: 4}, {}, {}, {keys[1]: 4}])
    wanted = {"evidence": {"policies": ["run-1"]}}
    rule = {"runs": ["run-1"], "tries": True}
    stale = curate(workspace, plan_of(**wanted, training=rule | {"gamma": 0.7}))
    assert (stale.samples, stale.counts.dropped["few_tries"]) == (1, 1)
    aged = curate(workspace, plan_of(name="aged", **wanted, training=rule | {"max_age": 2}))
    assert (aged.samples, aged.counts.dropped["no_evidence"]) == (1, 1)


def test_a_discounted_share_reads_back_as_it_was_frozen(workspace: Workspace) -> None:
    keys = [sample.sample_id for sample in filled(workspace, [8, 8, 8])]
    trained(workspace, [{keys[0]: 3, keys[1]: 5}, {keys[0]: 4, keys[2]: 1}, {keys[1]: 7}])
    plan = plan_of(evidence={"policies": ["run-1"]}, training={"runs": ["run-1"], "tries": True})
    frozen = curate(workspace, plan)
    before = {path.name: path.read_bytes() for path in frozen.folder.iterdir()}
    folder = rebuild(workspace, frozen.dataset, frozen.version)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_plan_that_hears_no_run_is_what_it_was(workspace: Workspace) -> None:
    keys = [sample.sample_id for sample in filled(workspace, [4, 4, 1])]
    first = curate(workspace, plan_of())
    assert "training" not in plan_of().as_json()
    assert '"training"' not in (first.folder / "manifest.json").read_text()
    trained(workspace, [{keys[0]: 8}])
    assert replace(curate(workspace, plan_of()), minted=True) == first


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"drop_easy_above": 0.9}, "drop_easy_above asks training runs: name them as `runs`"),
        ({"runs": ["latest"]}, "runs are named and not used"),
    ],
)
def test_half_a_rule_is_refused(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(WrongUse, match=told):
        plan_of(training=rule)


def test_an_unknown_run_is_named_with_those_there_are(workspace: Workspace) -> None:
    (sample,) = filled(workspace, [4])
    rule = {"runs": ["run-2"], "drop_easy_above": 0.9}
    with pytest.raises(WrongUse, match=r"run-2.*none, so run `curricle train` first"):
        curate(workspace, plan_of(training=rule))
    trained(workspace, [{sample.sample_id: 8}])
    with pytest.raises(WrongUse, match=r"there is run-1 \(old@1\)"):
        curate(workspace, plan_of(training=rule))
    with pytest.raises(EmptySelection, match="1 made easy by training"):
        curate(workspace, plan_of(training=rule | {"runs": ["run-*"]}))
