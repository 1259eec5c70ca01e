"""Flow: make the training runs of the workspace."""

from typing import Any

from prefect import flow

from flows import stages
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
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
def train(workspace: str) -> list[dict[str, Any]]:
    """Make every run that curricle.toml names."""
    settings = read_settings(open_workspace(workspace))
    return [train_run(workspace, dict(run)) for run in settings.train]
