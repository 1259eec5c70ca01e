"""The weights that a run starts from, or that are asked in process."""

from pathlib import Path

from pipelines.policies.open import is_served
from pipelines.workspace import Progress, Workspace, WrongUse, silent


def start_of(workspace: Workspace, policy: str, progress: Progress = silent) -> Path:
    """The folder of the policy to start from. Raises WrongUse when there is none."""
    if policy == "tiny":
        from train.tiny import tiny_policy

        return tiny_policy(workspace, progress)
    if is_served(policy):
        raise WrongUse(
            f"{policy} answers but does not show its weights, so it cannot be trained; name the "
            "checkpoint that is served there as `policy`"
        )
    from pipelines.policies.checkpoint import checkpoint_folder

    try:
        return checkpoint_folder(policy)
    except FileNotFoundError as error:
        raise WrongUse(str(error)) from error
