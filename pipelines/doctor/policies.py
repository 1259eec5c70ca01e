"""Policies whose weights are no longer those that answered."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.doctor.facts import Facts
from pipelines.doctor.finding import Finding
from pipelines.doctor.runs import FINAL
from pipelines.policies.weights import checkpoint_id
from pipelines.workspace import Progress, Workspace, silent


def check_policies(
    workspace: Workspace, facts: Facts, progress: Progress = silent
) -> Iterator[Finding]:
    """Hash the weights that lie in the workspace, and compare them with what the catalog says."""
    trained = [
        (workspace.runs / run["run_id"] / FINAL, run["trained_policy_id"])
        for run in facts.runs
        if run["trained_policy_id"]
    ]
    made = sorted(path for path in workspace.policies.glob("[!.]*") if path.is_dir())
    total = len(trained) + len(made)
    for number, (folder, policy_id) in enumerate(trained):
        progress("hashing policies", number, total)
        if folder.is_dir() and checkpoint_id(folder) != policy_id:
            yield _changed(workspace, folder, policy_id)
    for number, folder in enumerate(made, len(trained)):
        progress("hashing policies", number, total)
        answered = {p["policy_id"] for p in facts.policies if p["name"] == folder.name}
        if answered and checkpoint_id(folder) not in answered:
            yield _stale(workspace, folder)


def _changed(workspace: Workspace, folder: Path, policy_id: str) -> Finding:
    return Finding(
        check="policy_changed",
        where=folder.relative_to(workspace.root).as_posix(),
        what=f"its weights are not those that its run ended with ({policy_id[:12]}): a file is "
        "damaged or was changed",
        todo="restore it from a backup, or remove the folder and train again",
        things=(policy_id,),
    )


def _stale(workspace: Workspace, folder: Path) -> Finding:
    return Finding(
        check="policy_stale",
        where=folder.relative_to(workspace.root).as_posix(),
        severity="notice",
        what=f"its weights are not those that have answered as {folder.name!r}: evidence starts anew",
        todo="nothing, if it was made anew on purpose; else restore it from a backup",
        things=(folder.name,),
    )
