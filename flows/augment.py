"""Flow: make the views of every recipe of the workspace."""

from typing import Any

from prefect import flow

from flows import stages
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.settings import read_settings
from flows.summaries import augmented, record


@retried
def make_views(workspace: str) -> list[dict[str, Any]]:
    """Make the views of every recipe."""
    opened = open_workspace(workspace)
    settings = read_settings(opened)
    done = stages.augment(opened, settings.augment, seed=settings.seed, progress=progress)
    for summary in done:
        say(augmented(summary))
    return [record(summary) for summary in done]


@flow(name="augment", persist_result=False)
def augment(workspace: str) -> list[dict[str, Any]]:
    """Make the views that curricle.toml asks for."""
    views: list[dict[str, Any]] = make_views(workspace)
    return views
