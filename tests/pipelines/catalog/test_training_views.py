"""What training told: planned against seen order, and what a run did to each sample."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from pipelines.catalog.ledger import Unit, append, begin, begin_after, commit, plan
from pipelines.workspace import Workspace

RUN = "run"
Visit = Mapping[str, Any]


def planned(workspace: Workspace, lanes: str, *, stages: str = "", padded: str = "") -> None:
    """Freeze a dataset by hand: a letter for each position, `m` with media and `t` without.

    `stages` holds a digit for each position, `padded` an `x` where a row is padding.
    """
    rows = [
        {
            "dataset": "d",
            "version": 1,
            "position": i,
            "stage": int(stages[i]) if stages else 0,
            "split": "train",
            "sample_id": f"s{i}",
            "padded": bool(padded) and padded[i] == "x",
        }
        for i in range(len(lanes))
    ]
    samples = [
        {"sample_id": f"s{i}", "modality": "image" if lane == "m" else "text"}
        for i, lane in enumerate(lanes)
    ]
    manifest = '{"completions": 4, "predicted_low": "0.1", "predicted_high": "0.4"}'
    dataset = {"dataset": "d", "version": 1, "n_rows": len(lanes), "manifest": manifest}
    run = {"run_id": RUN, "dataset": "d", "version": 1, "policy_id": "base"}
    with workspace.catalog.write() as connection:
        append(connection, "dataset_samples", pa.Table.from_pylist(rows))
        append(connection, "samples", pa.Table.from_pylist(samples))
        append(connection, "datasets", pa.Table.from_pylist([dataset]))
        append(connection, "runs", pa.Table.from_pylist([run]))
        plan(connection, [unit(step) for step in range(1, 41)])


def unit(step: int) -> Unit:
    return Unit(job=RUN, kind="train", round=step, batch=0, inputs={})


def asked(position: int, right: int | None = 2, **changes: Any) -> Visit:
    """One group of four answers, so many of them right."""
    return {
        "position": position,
        "sample_id": f"s{position}",
        "came": "planned",
        "entered": True,
        "padded": False,
        "answers": 4,
        "graded": 0 if right is None else 4,
        "successes": right or 0,
        **{f"noisy_{name}": 0 for name in ("answers", "graded", "successes")},
        "abs_advantage": 0.0 if right in (0, 4) else 0.8,
        "age": 0,
        **changes,
    }


def seen(workspace: Workspace, steps: Iterable[Sequence[Visit]], first: int = 1) -> None:
    """Tell of steps as the trainer does, each as a new attempt at its unit."""
    with workspace.catalog.write() as connection:
        for step, groups in enumerate(steps, start=first):
            unit_id = unit(step).unit_id
            attempt = begin(connection, unit_id)
            told = {"run_id": RUN, "step": step, "attempt": attempt, "unit_id": unit_id}
            rows = [told | {"slot": slot} | dict(group) for slot, group in enumerate(groups)]
            told["created_at"] = datetime(2026, 1, 1, 0, step)
            tables = {"train_groups": rows, "train_steps": [told]}
            made = {name: pa.Table.from_pylist(rows) for name, rows in tables.items()}
            commit(connection, unit_id, attempt, made)


def order(workspace: Workspace) -> dict[str, Any]:
    return workspace.catalog.rows("from run_orders")[0]


def wrong(workspace: Workspace) -> list[int]:
    rows = workspace.catalog.rows("from honoured where out_of_place order by position")
    return [row["position"] for row in rows]


def test_a_fixed_order_that_does_not_divide_the_batch_is_exact(workspace: Workspace) -> None:
    planned(workspace, "mmtmttm", stages="0000111", padded="....x..")
    fill = {"padded": True}
    batches = [
        [asked(0), asked(1)],
        [asked(2), asked(2, **fill)],
        [asked(3), asked(0, **fill)],
        [asked(4), asked(5)],
        [asked(6), asked(6, **fill)],
    ]
    seen(workspace, batches)
    rows = workspace.catalog.rows("from honoured order by position")
    assert not [row for row in rows if row["never_seen"] or row["out_of_place"]]
    assert [row["planned_rank"] for row in rows] == [1, 2, 1, 3, 1, 2, 1]
    assert [row["seen_rank"] for row in rows] == [row["planned_rank"] for row in rows]
    assert [row["first_step"] for row in rows] == [1, 1, 2, 3, 4, 4, 5]
    assert [row["times_seen"] for row in rows] == [2, 1, 2, 1, 1, 1, 2]
    assert order(workspace)["exact"]
    # A second pass in another order changes nothing: the first one is compared.
    seen(workspace, reversed(batches), first=6)
    assert order(workspace)["exact"]
    assert order(workspace)["filling"] == 6


def test_swapped_rows_are_out_of_place_and_a_lost_one_does_not_move_the_others(
    workspace: Workspace,
) -> None:
    planned(workspace, "tttttt")
    seen(workspace, [[asked(0), asked(3)], [asked(2), asked(1)], [asked(5)]])
    assert wrong(workspace) == [1, 3]
    found = order(workspace)
    assert (found["rows_seen"], found["never_seen"], found["exact"]) == (5, 1, False)


def test_a_row_after_a_later_stage_began_is_out_of_place(workspace: Workspace) -> None:
    planned(workspace, "tttt", stages="0011")
    seen(workspace, [[asked(0)], [asked(2)], [asked(1)], [asked(3)]])
    assert wrong(workspace) == [1]


def test_what_filled_another_s_place_was_seen_and_not_in_the_planned_order(
    workspace: Workspace,
) -> None:
    planned(workspace, "tttt")
    refill, replay = {"came": "refill"}, {"came": "replay", "answers": 0, "graded": 0}
    seen(workspace, [[asked(0), asked(3, **refill)], [asked(1), asked(0, **replay)], [asked(2)]])
    last = workspace.catalog.rows("from honoured where position = 3")[0]
    assert (last["came"], last["seen_rank"], last["never_seen"]) == ("refill", None, False)
    assert wrong(workspace) == []
    found = order(workspace)
    assert (found["refilled"], found["replayed"], found["first_seen_otherwise"]) == (1, 1, 1)
    assert workspace.catalog.rows("select times_seen from honoured where position = 0") == [
        {"times_seen": 1}
    ]


def test_a_step_that_was_done_again_counts_once(workspace: Workspace) -> None:
    planned(workspace, "ttt")
    seen(workspace, [[asked(0, 4)], [asked(2, 4)], [asked(1, 4)]])
    assert wrong(workspace) == [1, 2]
    with workspace.catalog.write() as connection:
        begin_after(connection, RUN, 1)
    assert order(workspace)["rows_seen"] == 1
    seen(workspace, [[asked(1, 1)], [asked(2, 1)]], first=2)
    assert order(workspace)["exact"]
    rows = workspace.catalog.rows("select n, successes from learning order by sample_id")
    assert rows == [{"n": 4, "successes": k} for k in (4, 1, 1)]


def test_learning_tells_the_beginning_from_the_end_and_clean_from_noisy(
    workspace: Workspace,
) -> None:
    planned(workspace, "ttt")
    noisy = {"noisy_answers": 4, "noisy_graded": 4, "noisy_successes": 1}
    seen(
        workspace, [[asked(0, 1, **noisy), asked(1, None)], [asked(0, 3), asked(0, 4)], [asked(2)]]
    )
    first, unscored, _ = workspace.catalog.rows("from learning order by sample_id")
    assert (first["n"], first["successes"], first["visits"], first["most_in_step"]) == (12, 8, 3, 2)
    assert (first["first_n"], first["first_pass_rate"]) == (4, 0.25)
    assert (first["last_n"], first["last_pass_rate"]) == (8, 0.875)
    assert (first["noisy_n"], first["noisy_rate"]) == (4, 0.25)
    assert (first["last_policy_version"], first["age_steps"]) == (1, 1)
    assert first["last_asked"] == datetime(2026, 1, 1, 0, 2)
    assert first["mean_abs_advantage"] == pytest.approx((0.8 + 0.8 + 0) / 3)
    weights = [0.97**2, 0.97, 0.97]
    recent = sum(w * k for w, k in zip(weights, (1, 3, 4), strict=True)) / (4 * sum(weights))
    assert first["recent_rate"] == pytest.approx(recent)
    assert (unscored["n"], unscored["pass_rate"], unscored["last_pass_rate"]) == (0, None, None)


def test_alignment_is_the_published_score(workspace: Workspace) -> None:
    planned(workspace, "ttt")
    rights = [(0, 1, 2), (1, 2, 4), (0, 0, 0)]
    passes = [[asked(i, of[k]) for i, of in enumerate(rights)] for k in range(3)]
    seen(workspace, passes)
    mean = [sum(of[k] for of in rights) / 12 for k in range(3)]
    room = sum((1 - m) ** 2 for m in mean)
    wanted = [1 - sum((of[k] / 4 - mean[k]) ** 2 for k in range(3)) / room for of in rights]
    rows = workspace.catalog.rows("select alignment from learning order by sample_id")
    assert [row["alignment"] for row in rows] == pytest.approx(wanted)


def test_alignment_needs_visits_and_something_to_learn(workspace: Workspace) -> None:
    planned(workspace, "tt")
    seen(workspace, [[asked(0, 4), asked(1, 4)]] * 2)
    assert _alignments(workspace) == [None, None]
    seen(workspace, [[asked(0, 4), asked(1, 4)]], first=3)
    assert _alignments(workspace) == [None, None]
    seen(workspace, [[asked(0, 4), asked(1, 0)]], first=4)
    assert _alignments(workspace) == pytest.approx([0, 0])


def _alignments(workspace: Workspace) -> list[float | None]:
    rows = workspace.catalog.rows("select alignment from learning order by sample_id")
    return [row["alignment"] for row in rows]


def test_training_never_mixes_into_difficulty(workspace: Workspace) -> None:
    planned(workspace, "t")
    seen(workspace, [[asked(0)]])
    assert workspace.catalog.rows("from difficulty") == []


def test_a_forecast_is_compared_with_the_first_groups_of_a_run(workspace: Workspace) -> None:
    planned(workspace, "tttt")
    half_noisy = {"noisy_answers": 2, "noisy_graded": 2}
    seen(workspace, [[asked(0, 0), asked(1, 4), asked(0, 0, padded=True)], [asked(2, 0)]])
    seen(workspace, [[asked(3, 4, **half_noisy)], [asked(0, 4), asked(3, 4)]], first=3)
    (row,) = workspace.catalog.rows("from signal_forecasts")
    assert (row["rows_planned"], row["groups"], row["predicted_for"]) == (4, 4, 4)
    assert (row["all_right"], row["all_wrong"], row["zero_advantage"]) == (0.25, 0.5, 0.75)
    assert (row["predicted_low"], row["predicted_high"]) == (0.1, 0.4)
