"""Flow: freeze the plans of the workspace."""

from typing import Any

from prefect import flow

from flows import stages
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.settings import read_settings
from flows.summaries import frozen, record


@retried
def freeze_plan(workspace: str, plan: str) -> dict[str, Any]:
    """Freeze one plan."""
    opened = open_workspace(workspace)
    done = stages.curate(opened, opened.root / plan, progress=progress)
    say(frozen(done))
    return record(done)


@flow(name="curate", persist_result=False)
def curate(workspace: str) -> list[dict[str, Any]]:
    """Freeze every plan that curricle.toml names; nothing new mints no version."""
    settings = read_settings(open_workspace(workspace))
    return [freeze_plan(workspace, str(plan)) for plan in settings.plans]
