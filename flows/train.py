"""Flow: make the training runs of the workspace."""

from typing import Any

from prefect import flow

from flows import stages
from flows.artifacts import leave_table
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.pages import outermost, write_page
from flows.settings import read_settings
from flows.summaries import record, trained


@retried
def train_run(workspace: str, run: dict[str, Any]) -> dict[str, Any]:
    """Make one run; a finished one is found, a killed one goes on."""
    opened = open_workspace(workspace)
    done = stages.train(opened, read_settings(opened), run, progress)
    say(trained(run["dataset"], done, stages.run_report(opened, done.run_id)))
    return record(done)


@flow(name="train", persist_result=False)
def train(
    workspace: str, dataset: str | None = None, options: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Make every run that curricle.toml names, on the newest version of its dataset.

    With `dataset`, only its runs, or one where the file names none; `options` are put over what
    the file says of each.
    """
    declared = [dict(run) for run in read_settings(open_workspace(workspace)).train]
    runs = [run for run in declared if dataset in (None, run.get("dataset"))]
    if not runs and dataset is not None:
        runs = [{"dataset": dataset}]
    done = [train_run(workspace, run | (options or {})) for run in runs]
    leave_table("train", done, "What each run came to.")
    new = [one["run_id"] for one in done if not one["found_done"]]
    if new and outermost():
        write_page(workspace, new)
    return done
