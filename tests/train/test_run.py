"""A run from its settings to a policy that others can load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from small_world import Trained, freeze, settings, text_policy, use_early_letters

from pipelines.workspace import Workspace, WrongUse
from train.config import TrainConfig
from train.launch import train

LOAD = """
import sys
from transformers import AutoModelForImageTextToText, AutoProcessor
AutoProcessor.from_pretrained(sys.argv[1])
model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])
print(sum(p.numel() for p in model.parameters()))
"""


@pytest.mark.slow
def test_the_trained_policy_loads_in_another_process(trained: Trained) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(trained.result.checkpoint)],
        capture_output=True,
        check=True,
    )
    assert int(done.stdout) > 10_000


def test_training_changed_the_policy(trained: Trained, start: Path) -> None:
    assert trained.result.trained_policy_id != trained.result.before.policy_id  # type: ignore[union-attr]
    assert trained.result.checkpoint.name == "final"
    names = {path.name for path in trained.result.checkpoint.iterdir()}
    assert {path.name for path in start.iterdir()} <= names
    assert "training_args.bin" not in names
    assert not list(trained.result.checkpoint.parent.glob("checkpoint-*"))


def test_the_same_command_again_trains_nothing(trained: Trained) -> None:
    catalog = trained.workspace.catalog
    counts = "select (select count(*) from rollouts) as r, (select sum(attempt) from units) as u"
    before = catalog.rows(counts)
    calls: list[str] = []
    with use_early_letters():
        again = train(trained.workspace, trained.config, lambda what, *_: calls.append(what))
    assert again.found_done
    assert not calls
    assert catalog.rows(counts) == before
    assert (again.run_id, again.before, again.after) == (
        trained.result.run_id,
        trained.result.before,
        trained.result.after,
    )


def test_measuring_differently_is_the_same_run(copied: Trained) -> None:
    config = copied.config.model_copy(update={"eval_samples": 3, "save_every": 7})
    assert train(copied.workspace, config).found_done


@pytest.mark.slow
def test_a_run_that_lost_its_policy_is_trained_again(copied: Trained) -> None:
    final = copied.workspace.runs / copied.result.run_id / "final"
    final.rename(final.with_name("elsewhere"))
    config = copied.config.model_copy(update={"eval_samples": 0})
    again = train(copied.workspace, config)
    assert not again.found_done
    assert again.checkpoint.is_dir()
    assert again.steps == copied.result.steps


def test_the_run_is_in_the_catalog(trained: Trained) -> None:
    row = trained.workspace.catalog.rows("select * from runs")[0]
    assert row["run_id"] == trained.result.run_id
    assert row["status"] == "done"
    assert (row["dataset"], row["version"]) == ("say", 1)
    assert row["trained_policy_id"] == trained.result.trained_policy_id
    assert json.loads(row["config"])["learning_rate"] == 1e-4
    assert row["path"] == f"runs/{row['run_id']}"
    assert json.loads(row["environment"])["trl"].startswith("1.16")
    units = trained.workspace.catalog.rows(
        "select round, inputs from units where kind = 'train' order by round"
    )
    assert [unit["round"] for unit in units] == list(range(1, 15))
    assert len({json.loads(unit["inputs"])["seed"] for unit in units}) == 14


def test_held_out_samples_are_never_trained_on(trained: Trained) -> None:
    rows = trained.workspace.catalog.rows(
        "select purpose, list(distinct split) as splits from rollouts "
        "join sample_splits using (sample_id) where purpose in ('train', 'eval') group by purpose"
    )
    assert {row["purpose"]: row["splits"] for row in rows} == {"train": ["train"], "eval": ["test"]}


def test_a_sample_that_came_to_be_held_out_is_refused(fresh: Workspace, start: Path) -> None:
    with fresh.catalog.write() as connection:
        connection.execute("update sources set split = 'test' where source_ref = 'train/3'")
    with pytest.raises(WrongUse, match="which is test now"):
        train(fresh, settings(start))


@pytest.mark.parametrize(
    "prompts",
    [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(30, marks=pytest.mark.slow)],
)
def test_any_batch_size_sees_every_row_in_its_place(
    fresh: Workspace, start: Path, prompts: int
) -> None:
    result = train(fresh, settings(start, prompts_per_step=prompts, max_steps=0, eval_samples=0))
    rows = fresh.catalog.rows("select * from honoured where run_id = ?", result.run_id)
    assert len(rows) >= 18
    assert not [row for row in rows if row["never_seen"] or row["out_of_place"]]


def test_accumulating_small_forward_passes_asks_the_same(fresh: Workspace, start: Path) -> None:
    config = settings(start, max_steps=3, eval_samples=0, micro_batch=2)
    result = train(fresh, config)
    rows = fresh.catalog.rows(
        "select count(*) as n, count(distinct sample_id) as samples from rollouts where origin = ?",
        result.run_id,
    )
    assert rows == [{"n": 24, "samples": 6}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "nothing"}, "no dataset 'nothing'"),
        ({"version": 7}, "no say@7"),
        ({"template": "nothing"}, "no template 'nothing'"),
        ({"policy": "/nowhere"}, "not a checkpoint"),
        ({"micro_batch": 3}, "micro_batch = 3"),
        ({"eval_where": "nothing =", "eval_samples": 4}, "nothing ="),
    ],
)
def test_what_cannot_be_is_named(
    fresh: Workspace, start: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(WrongUse, match=message):
        train(fresh, settings(start, **{"eval_samples": 0} | changes))


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="learning_rat"):
        TrainConfig.model_validate({"dataset": "say", "learning_rat": 1})


@pytest.mark.slow
def test_a_text_only_policy_trains_on_text_and_not_on_pictures(
    fresh: Workspace, tmp_path: Path
) -> None:
    start = text_policy(tmp_path / "text")
    with pytest.raises(WrongUse, match="cannot be trained on image"):
        train(fresh, settings(start, eval_samples=0, max_steps=1))
    freeze(fresh, "words", "modality = 'text'")
    config = settings(start, dataset="words", max_steps=2, eval_where="modality = 'text'")
    result = train(fresh, config)
    assert result.steps == 2
    assert result.gain is not None


@pytest.mark.slow
def test_measuring_on_the_way_leaves_the_run_as_it_is(
    fresh: Workspace, start: Path, trained: Trained
) -> None:
    config = settings(start, evaluation={"every": 5, "sets": ["held-out", "noisy", "blind"]})
    result = train(fresh, config)
    assert set(result.sets) == {"held-out", "noisy", "blind"}
    assert result.run_id == trained.result.run_id
    assert result.trained_policy_id == trained.result.trained_policy_id
    losses = "select step, loss from train_steps order by step"
    assert fresh.catalog.rows(losses) == trained.workspace.catalog.rows(losses)
    on_the_way = fresh.catalog.rows("select distinct step from rollouts where purpose = 'eval'")
    assert {row["step"] for row in on_the_way} == {None, 5, 10}
