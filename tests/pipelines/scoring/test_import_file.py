"""Rollouts of others: once each, whoever tells of them, in whatever order; and never as ours."""

import gzip
import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rollouts_of_others import Row, answer, difficulty, evidence, lines, outcome, parquet
from scripts import asker, filled, sometimes

from pipelines.record.canonical import content_hash
from pipelines.rewards import REWARDS
from pipelines.scoring import rollout_files
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.import_file import ImportSummary, import_rollouts
from pipelines.scoring.matching import Defaults, Occurrences
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Failed, Workspace, WrongUse

EXPORT = """
select g.rollout_id, g.sample_id, p.name as policy, p.policy_id as revision,
    t.content::varchar as template, g.completion, g.correct, g.reward, g.reward_id as reward_name,
    g.reason, g.purpose, g.k, g.seed, g.finish_reason, g.prompt_tokens, g.completion_tokens,
    (g.sampling->>'temperature')::double as temperature, (g.sampling->>'top_p')::double as top_p,
    (g.sampling->>'max_tokens')::integer as max_tokens
from graded g join policies p using (policy_id) left join templates t using (template_id)
"""


def bring(workspace: Workspace, path: Path, rows: Sequence[Row | bytes]) -> ImportSummary:
    return import_rollouts(workspace, lines(path, rows))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rollouts.jsonl"


def mixed(ids: Sequence[str], count: int = 60) -> list[Row]:
    """Answers of three policies, with equal ones among them."""
    draw = random.Random(7)
    return [
        answer(draw.choice(ids), f"={draw.randrange(4)}", policy=f"p{draw.randrange(3)}")
        for _ in range(count)
    ]


def test_outcomes_are_evidence_of_the_policy_they_name(workspace: Workspace, path: Path) -> None:
    ids = filled(workspace, 2)
    told = [outcome(ids[0], True), outcome(ids[0], False), outcome(ids[1], False)]
    summary = bring(workspace, path, told)
    assert (summary.read, summary.new, summary.samples) == (3, 3, 2)
    assert [(row["n"], row["successes"]) for row in difficulty(workspace)] == [
        (2, 1) if key == ids[0] else (1, 0) for key in sorted(ids)
    ]


def test_the_same_rollouts_in_another_order_in_pieces_or_as_parquet_add_nothing(
    workspace: Workspace, path: Path, tmp_path: Path
) -> None:
    rows = mixed(filled(workspace, 5))
    assert bring(workspace, path, rows).new == len(rows)
    before = evidence(workspace)
    shuffled = random.Random(1).sample(rows, len(rows))
    again = [bring(workspace, path, part) for part in (rows, shuffled, rows[:25], rows[25:])]
    again.append(import_rollouts(workspace, parquet(tmp_path / "r.parquet", shuffled)))
    assert [summary.new for summary in again] == [0] * 5
    assert [summary.graded for summary in again] == [0] * 5
    assert evidence(workspace) == before


@pytest.mark.parametrize("rows_a_batch", [3, 7])
def test_where_batches_end_makes_no_difference(
    tmp_path: Path, path: Path, rows_a_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = Workspace(tmp_path / "whole"), Workspace(tmp_path / "cut")
    rows = mixed(filled(whole, 3), 30)
    filled(cut, 3)
    bring(whole, path, rows)
    monkeypatch.setattr(rollout_files, "ROWS", rows_a_batch)
    assert bring(cut, path, rows).new == len(rows)
    assert evidence(cut) == evidence(whole)


def test_an_answer_given_three_times_in_one_file_counts_three_times(
    workspace: Workspace, path: Path
) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [answer(key, "=1")] * 3 + [outcome(key, True, policy="told")] * 2)
    assert sorted(row["n"] for row in difficulty(workspace)) == [2, 3]
    assert [row["k"] for row in workspace.catalog.rows("select k from rollouts order by k")] == [
        *(0, 0),
        *(1, 1, 2),
    ]


def test_other_answers_under_the_same_numbers_are_other_rollouts(
    workspace: Workspace, path: Path
) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [answer(key, "=1", k=0), answer(key, "=2", k=1)])
    summary = bring(workspace, path, [answer(key, "=3", k=0), answer(key, "=2", k=1)])
    assert (summary.new, summary.known) == (1, 1)


def test_a_run_of_its_own_keeps_equal_tries_apart(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    lines(path, [outcome(key, True), outcome(key, False)])
    for run in ("", "", "monday", "tuesday", "monday"):
        import_rollouts(workspace, path, Defaults(run=run))
    assert difficulty(workspace)[0]["n"] == 6
    origins = workspace.catalog.rows("select distinct origin from rollouts order by all")
    assert [row["origin"] for row in origins] == ["import", "import:monday", "import:tuesday"]


def test_the_given_grade_and_ours_stand_side_by_side(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    told = answer(key, "=1", correct=False, reward=0.25, reward_name="judge", reason="so it said")
    assert bring(workspace, path, [told]).graded == 2
    rows = workspace.catalog.rows("select reward_id, value, correct, reason from grades order by 1")
    assert [list(row.values()) for row in rows] == [
        ["judge@1", 0.25, False, "so it said"],
        [REWARDS["number"].reward_id, 1.0, True, "match"],
    ]


def test_two_graders_of_one_answer_make_one_rollout(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    graded = [answer(key, "=1", correct=True, reward_name=name) for name in ("a", "b")]
    summary = bring(workspace, path, graded)
    assert (summary.new, summary.known, summary.graded) == (1, 1, 3)


def test_a_value_without_a_verdict_is_unscored(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [answer(key, "=1", reward=0.5, reward_name="judge")])
    judged = {row["reward"]: (row["n"], row["unscored"]) for row in difficulty(workspace)}
    assert judged == {"judge": (0, 1), "number": (1, 0)}


@pytest.mark.parametrize("claimed", ["number", "number@9", REWARDS["number"].reward_id])
def test_nobody_grades_in_our_name(workspace: Workspace, path: Path, claimed: str) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [answer(key, "=7", correct=True, reward_name=claimed)])
    judged = {row["reward"]: row["successes"] for row in difficulty(workspace)}
    assert judged == {"number": 0, "imported:number": 1}


@pytest.mark.slow
def test_a_policy_of_the_same_name_does_not_mix_with_ours(workspace: Workspace, path: Path) -> None:
    ids = filled(workspace, 3)
    ours = asker(workspace, sometimes([1.0] * 3), name="mine")
    PassRateJob(workspace.catalog, ours, StoppingRule()).run(ids)
    before = difficulty(workspace)
    bring(workspace, path, [outcome(key, False, policy="mine") for key in ids])
    after = difficulty(workspace)
    assert [row for row in after if row["policy"] == "mine"] == before
    assert {row["policy"] for row in after} == {"mine", "imported:mine"}


def test_revisions_are_policies_of_their_own(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [outcome(key, True, revision=name) for name in ("", "v1", "v2")])
    rows = workspace.catalog.rows("select policy_id, stale from difficulty")
    assert len({row["policy_id"] for row in rows}) == 3
    assert not any(row["stale"] for row in rows)
    assert content_hash(["imported", "other/7b", "v1"]) in {row["policy_id"] for row in rows}


def test_a_sample_is_known_by_its_record_too(workspace: Workspace, path: Path) -> None:
    ids = filled(workspace, 2)
    source = {"corpus": "sums", "source_ref": "train/1"}
    bring(workspace, path, [{"policy": "p", "correct": True} | source, outcome(ids[1], True)])
    assert [row["sample_id"] for row in difficulty(workspace)] == [ids[1]] * 2


def test_probes_do_not_mix_into_difficulty(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [outcome(key, False), outcome(key, True, purpose="blind")])
    (row,) = workspace.catalog.rows("select n, blind_rate from difficulty")
    assert row == {"n": 1, "blind_rate": 1.0}


BAD = {
    b'{"sample_id": "x", "policy"': "not_json",
    b'{"policy": "\xff"}': "not_utf8",
    b'{"policy": "\\ud800"}': "not_utf8",
    b"[1, 2]": "not_an_object",
    b'{"policy": "p", "correct": true}': "no_sample",
    b'{"sample_id": "nobody", "policy": "p", "correct": true}': "unknown_sample",
    b'{"corpus": "sums", "source_ref": "x", "policy": "p", "correct": true}': "unknown_source",
    b'{"corpus": "sums", "source_ref": "train/1", "sample_id": "ID", "policy": "p", '
    b'"correct": true}': "other_sample",
    b'{"sample_id": "ID", "correct": true}': "no_policy",
    b'{"sample_id": "ID", "policy": "  ", "correct": true}': "no_policy",
    b'{"sample_id": "ID", "policy": "p"}': "no_correct",
    b'{"sample_id": "ID", "policy": "p", "reward": 1}': "no_correct",
    b'{"sample_id": "ID", "policy": "p", "correct": "yes"}': "bad_correct",
    b'{"sample_id": "ID", "policy": "p", "correct": 2}': "bad_correct",
    b'{"sample_id": "ID", "policy": "p", "correct": true, "reward": Infinity}': "not_json",
    b'{"sample_id": "ID", "policy": "p", "correct": true, "reward": true}': "bad_reward",
    b'{"sample_id": "ID", "policy": "p", "correct": true, "k": -1}': "bad_k",
    b'{"sample_id": "ID", "policy": "p", "correct": true, "k": 1.5}': "bad_k",
    b'{"sample_id": "ID", "policy": "p", "correct": true, "seed": 1e300}': "bad_seed",
    b'{"sample_id": "ID", "policy": "p", "completion": ["4"]}': "bad_completion",
    b'{"sample_id": 4, "policy": "p", "correct": true}': "bad_sample_id",
    b'{"sample_id": "ID", "policy": "p", "correct": true, "purpose": "train"}': "bad_purpose",
}


def test_every_bad_row_is_rejected_with_its_reason_and_the_good_ones_come_in(
    workspace: Workspace, path: Path
) -> None:
    key = filled(workspace, 2)[0]
    bad = [line.replace(b"ID", key.encode()) for line in BAD]
    summary = bring(workspace, path, [outcome(key, True), *bad, outcome(key, False)])
    assert summary.read == len(BAD) + 2
    assert summary.new == 2
    rows = workspace.catalog.rows("select source_ref, stage, reason from rejects")
    found = {int(row["source_ref"].partition(":")[2]): row["reason"] for row in rows}
    assert found == dict(enumerate(BAD.values(), start=2))
    assert sum(summary.rejected.values()) == len(BAD)
    assert {row["stage"] for row in rows} == {"import"}


def test_numbers_written_as_others_write_them_come_in(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [outcome(key, 1, k=3.0, seed=2**62 + 1, reward=1), outcome(key, 0.0)])  # type: ignore[arg-type]
    rows = workspace.catalog.rows("select k, seed, correct from graded order by seed nulls last")
    assert [list(row.values()) for row in rows] == [[3, 2**62 + 1, True], [1, None, False]]


def test_bad_values_of_a_parquet_column_cost_their_rows_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    (key,) = filled(workspace, 1)
    rows = [answer(key, "=1", reward=value, k=k) for value, k in ((1.0, 0), (float("nan"), 1))]
    summary = import_rollouts(workspace, parquet(tmp_path / "r.parquet", rows))
    assert (summary.new, summary.rejected) == (1, {"bad_reward": 1})


def broken_text() -> pa.Array:
    """Two texts, of which the second is no UTF-8."""
    ends = np.array([0, 2, 4], np.int32)
    return pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"=1\xff\xfe")]
    )


@pytest.mark.parametrize(
    ("columns", "rejected"),
    [
        ({"completion": broken_text()}, {"bad_completion": 1}),
        ({"completion": [[{"role": "assistant", "content": "1"}]] * 2}, {"bad_completion": 2}),
        ({"completion": pa.array(["a", "b"], pa.large_string())}, {}),
        ({"completion": pa.array(["a", "b"]).dictionary_encode()}, {}),
        ({"completion": ["a\0", "b"]}, {}),
        ({"correct": [1, 0], "reward": [Decimal("0.5"), None], "k": [1.0, None]}, {}),
        ({"correct": [True, True], "seed": pa.array([2**64 - 1, 1], pa.uint64())}, {"bad_seed": 1}),
        ({"correct": [True, False], "policy": pa.nulls(2)}, {"no_policy": 2}),
    ],
)
def test_columns_of_every_type_are_taken_or_cost_their_bad_rows(
    workspace: Workspace, tmp_path: Path, columns: dict[str, Any], rejected: dict[str, int]
) -> None:
    (key,) = filled(workspace, 1)
    table = pa.table({"sample_id": [key] * 2, "policy": ["p"] * 2} | columns)
    pq.write_table(table, tmp_path / "r.parquet")
    summary = import_rollouts(workspace, tmp_path / "r.parquet")
    assert summary.rejected == rejected
    assert summary.new == 2 - sum(rejected.values())


def test_a_column_that_is_there_twice_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    table = pa.table([pa.array(["a"])] * 3, ["sample_id", "correct", "sample_id"])
    pq.write_table(table, tmp_path / "r.parquet")
    with pytest.raises(WrongUse, match="'sample_id' twice"):
        import_rollouts(workspace, tmp_path / "r.parquet")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.jsonl", None, "there is no file"),
        ("empty.jsonl", b"", "is empty"),
        ("blank.jsonl", b"\n \n", "holds no rollouts"),
        ("array.json", b'[{"sample_id": "a"}]', "JSON array"),
        ("text.parquet", b'{"sample_id": "a"}', "is not a Parquet file"),
        ("cut.parquet", b"PAR1 and no more", "is not a whole Parquet file"),
    ],
)
def test_a_file_that_can_hold_no_rollouts_is_refused_in_a_sentence(
    workspace: Workspace, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongUse, match=said):
        import_rollouts(workspace, tmp_path / name)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"policy": "p", "correct": True}, "`sample_id`"),
        ({"sample_id": "a", "policy": "p"}, "`completion` nor `correct`"),
    ],
)
def test_a_parquet_file_without_a_needed_column_is_refused(
    workspace: Workspace, tmp_path: Path, row: Row, said: str
) -> None:
    with pytest.raises(WrongUse, match=said):
        import_rollouts(workspace, parquet(tmp_path / "r.parquet", [row]))


def test_what_came_before_the_break_in_a_file_is_kept(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (key,) = filled(workspace, 1)
    draw = random.Random(0)
    rows = [answer(key, f"{draw.random()} ={i}") for i in range(400)]
    whole = gzip.compress(lines(tmp_path / "plain", rows).read_bytes())
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(rollout_files, "ROWS", 50)
    with pytest.raises(Failed, match="is damaged"):
        import_rollouts(workspace, cut)
    kept = len(evidence(workspace))
    assert 0 < kept < 400
    cut.write_bytes(whole)
    assert import_rollouts(workspace, cut).new == 400 - kept


def test_stopped_in_the_middle_the_same_call_finishes(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, undisturbed = Workspace(tmp_path / "stopped"), Workspace(tmp_path / "undisturbed")
    rows = mixed(filled(stopped, 3))
    filled(undisturbed, 3)
    bring(undisturbed, path, rows)
    monkeypatch.setattr(rollout_files, "ROWS", 8)

    def stop(_what: str, done: int, _total: int | None) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_rollouts(stopped, path, progress=stop)
    assert import_rollouts(stopped, path).new == len(rows) - 24
    assert evidence(stopped) == evidence(undisturbed)


def test_a_dry_run_counts_and_writes_nothing(workspace: Workspace, path: Path) -> None:
    (key,) = filled(workspace, 1)
    bring(workspace, path, [answer(key, "=1")])
    before = evidence(workspace)
    lines(path, [answer(key, "=1"), answer(key, "=2"), outcome("nobody", True)])
    summary = import_rollouts(workspace, path, dry_run=True)
    assert (summary.new, summary.known, summary.rejected) == (1, 1, {"unknown_sample": 1})
    assert evidence(workspace) == before
    assert workspace.catalog.rows("from rejects") == []


@pytest.mark.slow
def test_what_another_workspace_exports_comes_in_once(tmp_path: Path) -> None:
    here, there = Workspace(tmp_path / "here"), Workspace(tmp_path / "there")
    ids = filled(there, 6)
    filled(here, 6)
    theirs = asker(there, sometimes([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), name="theirs")
    PassRateJob(there.catalog, theirs, StoppingRule()).run(ids)
    export = tmp_path / "export.parquet"
    pq.write_table(there.catalog.table(EXPORT), export)
    assert import_rollouts(here, export).new == len(evidence(there))
    assert import_rollouts(here, export).new == 0
    told = [row for row in difficulty(here) if row["reward"] == "imported:number"]
    ours = [row for row in difficulty(here) if row["reward"] == "number"]
    without_reward = [{k: v for k, v in row.items() if k != "reward"} for row in told]
    assert without_reward == [{k: v for k, v in row.items() if k != "reward"} for row in ours]
    assert ours == difficulty(there)


def test_occurrences_are_numbered_over_batches() -> None:
    draw = np.random.default_rng(0)
    hashes = draw.integers(0, 9, 200).astype(np.uint64)
    counter = Occurrences()
    found = np.concatenate([counter.number(part) for part in np.array_split(hashes, 7)])
    assert found.tolist() == [hashes[:i].tolist().count(value) for i, value in enumerate(hashes)]
