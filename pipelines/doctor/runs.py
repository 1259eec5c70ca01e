"""Training runs: those that nobody trains any more, half checkpoints, policies that changed."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.catalog.lock import held_by
from pipelines.doctor.facts import Facts
from pipelines.doctor.finding import Finding
from pipelines.policies.whole import facts_of
from pipelines.workspace import Workspace

FINAL = "final"


def check_runs(workspace: Workspace, facts: Facts) -> Iterator[Finding]:
    """Compare what the catalog says of runs with their folders and locks."""
    live = {run for run in _folders(workspace) if held_by(workspace.runs / run / ".lock")}
    dead = [r for r in facts.runs if r["status"] == "running" and r["run_id"] not in live]
    for run in dead:
        label = f"{run['run_id'][:12]} on {run['dataset']}@{run['version']}"
        yield Finding(
            check="run_dead",
            where="runs",
            severity="notice",
            what=f"run {label} is down as running, and no process trains it",
            todo="`curricle train` with the same settings goes on with it; `curricle doctor "
            "--repair` marks it as crashed",
            repair="mark_crashed",
            things=(run["run_id"],),
        )
    for run in facts.runs:
        if run["trained_policy_id"] and not (workspace.runs / run["run_id"] / FINAL).is_dir():
            yield Finding(
                check="policy_gone",
                where=f"runs/{run['run_id']}/{FINAL}",
                what=f"the policy that run {run['run_id'][:12]} trained is gone",
                todo="restore it from a backup, or train again with the same settings",
                things=(run["trained_policy_id"],),
            )
    for run_id in sorted(_folders(workspace) - live):
        yield from _checkpoints(workspace, workspace.runs / run_id)


def _folders(workspace: Workspace) -> set[str]:
    return {path.name for path in workspace.runs.glob("*") if path.is_dir()}


def _checkpoints(workspace: Workspace, run: Path) -> Iterator[Finding]:
    folders = [*sorted(run.glob("checkpoint-*")), *run.glob(FINAL)]
    for folder in folders:
        if facts_of(folder) is not None:
            continue
        is_final = folder.name == FINAL
        yield Finding(
            check="policy_incomplete" if is_final else "checkpoint_incomplete",
            where=folder.relative_to(workspace.root).as_posix(),
            severity="broken" if is_final else "notice",
            what="a trained policy lacks files, or has other ones than when it was written"
            if is_final
            else "a checkpoint was cut short; the run goes on from the one before",
            todo="restore it from a backup, or remove the folder and train again"
            if is_final
            else "nothing; the run removes it when it goes on",
            things=(folder.name,),
        )
