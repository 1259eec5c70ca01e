"""Flow: make the views of every recipe of the workspace, and its questions in other forms."""

from typing import Any

from prefect import flow

from flows import stages
from flows.artifacts import leave_table
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.settings import read_settings
from flows.summaries import augmented, converted, record


@retried
def make_views(workspace: str) -> list[dict[str, Any]]:
    """Make the views of every recipe, and ask in other forms."""
    opened = open_workspace(workspace)
    settings = read_settings(opened)
    done = stages.augment(opened, settings.augment, seed=settings.seed, progress=progress)
    for summary in done:
        say(augmented(summary))
    asked = stages.convert(opened, settings.augment, seed=settings.seed, progress=progress)
    for form in asked:
        say(converted(form))
    return [record(summary) for summary in (*done, *asked)]


@flow(name="augment", persist_result=False)
def augment(workspace: str) -> list[dict[str, Any]]:
    """Make the views that curricle.toml asks for."""
    views: list[dict[str, Any]] = make_views(workspace)
    leave_table("augment", views, "The views of each recipe, and what was forbidden.")
    return views
