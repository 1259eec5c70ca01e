"""The curve of a run and what is said and drawn of it, from the catalog alone."""

import json

import pytest
from PIL import Image
from small_world import Trained

from flows.cli.main import run as command
from flows.summaries import plain
from pipelines.workspace import WrongUse
from train.evaluation.curves import curve, find_run
from train.evaluation.report import report, run_report


def test_the_curve_holds_every_step_and_both_ends(trained: Trained) -> None:
    found = curve(trained.workspace.catalog, trained.result.run_id)
    assert [step.step for step in found.steps] == list(range(1, trained.result.steps + 1))
    last = found.steps[-1]
    assert last.rollouts == 8 * trained.result.steps
    assert all(step.entropy and step.length and step.reward is not None for step in found.steps)
    assert 0 < last.seconds < trained.result.seconds
    ends = found.before_and_after("held-out")
    assert ends == (trained.result.before, trained.result.after)
    assert [point.rollouts for point in found.measured["held-out"]] == [0, last.rollouts]


def test_a_run_is_found_by_its_beginning_or_its_dataset(trained: Trained) -> None:
    catalog, run_id = trained.workspace.catalog, trained.result.run_id
    assert find_run(catalog, run_id[:6]) == find_run(catalog, "say@1") == run_id
    for named in ("say@2", "nothing", "", "%"):
        with pytest.raises(WrongUse, match="no run begins with"):
            find_run(catalog, named)


def test_predicted_groups_without_signal_stand_beside_those_found(trained: Trained) -> None:
    silent = run_report(trained.workspace.catalog, trained.result.run_id).silent
    assert silent.predicted is not None
    assert 0 < silent.predicted < 1
    assert silent.first_pass == silent.all_right + silent.all_wrong  # type: ignore[operator]
    assert silent.without_signal == pytest.approx(trained.result.zero_advantage_share)


@pytest.mark.slow
def test_a_report_says_and_draws_what_a_run_came_to(
    copied: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id, root = copied.result.run_id, str(copied.workspace.root)
    with copied.workspace.catalog.write() as connection:
        connection.execute(
            "insert into signals by name select ? as run_id, unnest([3, 5]) as step, "
            "'entropy_collapse' as signature, 'warn' as decision, 'it fell' as detail, "
            "now()::timestamp as created_at",
            [run_id],
        )
    assert command(["report", run_id[:8], "--workspace", root]) == 0
    said = capsys.readouterr().out
    assert f"run {run_id} (done)" in said
    assert "order: 20 rows, 0 never asked, 0 out of place, 0 first asked otherwise" in said
    assert "signal entropy_collapse at step 3, 5: " in said
    assert "(it fell)" in said
    assert "held-out:" in said
    picture = copied.workspace.root / "reports" / f"run-{run_id[:12]}.png"
    colours = Image.open(picture).convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None
    assert len(colours) > 50


def test_runs_are_compared_on_what_both_were_asked(copied: Trained) -> None:
    run_id, other = copied.result.run_id, "ffff"
    with copied.workspace.catalog.write() as connection:
        # The same run under another name: it gains nothing over itself.
        for table in ("runs", "train_steps"):
            connection.execute(
                f"insert into {table} by name select * replace (? as run_id) from {table} "
                "where run_id = ?",
                [other, run_id],
            )
    found = report(copied.workspace, [run_id, other, run_id])
    assert len(found.runs) == 2
    (pair,) = found.compared
    assert pair.sets["held-out"].over_all.difference == 0.0
    assert len(found.pictures) == 3
    assert all(path.stat().st_size > 10_000 for path in found.pictures)
    known = json.loads(json.dumps(plain(found), default=str))
    assert len(known["runs"][0]["curve"]["steps"]) == copied.result.steps


def test_evaluate_measures_sets_and_compares_two_policies(
    copied: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--samples", "6", "--answers", "2", "--max-tokens", "6"]
    options += ["--workspace", str(copied.workspace.root), "--set", "held-out", "--set", "blind"]
    line = ["evaluate", "say@1", "--against", copied.config.policy, *options]
    assert command(line) == 0
    said = capsys.readouterr().out
    assert "blind: accuracy" in said
    assert "points" in said
    assert command([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sets"]["held-out"]["accuracy"] == copied.result.after.accuracy  # type: ignore[union-attr]
    assert found["gains"]["held-out"]["over_all"]["difference"] == pytest.approx(copied.result.gain)
