"""Flow: freeze the plans of the workspace."""

from pathlib import Path
from typing import Any

from prefect import flow

from flows import stages
from flows.artifacts import leave_link, leave_table, slug
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.pages import outermost, write_page
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
    done = [freeze_plan(workspace, str(plan)) for plan in settings.plans]
    leave_table("curate", done, "What each plan chose.")
    for one in done:
        leave_link(f"card-{slug(one['dataset'])}", Path(one["card"]), "The data card.")
    minted = [f"{one['dataset']}@{one['version']}" for one in done if one["minted"]]
    if minted and outermost():
        write_page(workspace, minted)
    return done
