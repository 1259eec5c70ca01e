"""Thinking against answering directly, as plain functions: settings joined with what does the work."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.evidence import asker_of, candidates
from flows.settings import BudgetSettings, PolicySettings, ThinkSettings
from pipelines.workspace import Progress, Workspace, silent

if TYPE_CHECKING:
    from pipelines.scoring.probe import ProbeEstimate
    from pipelines.scoring.think import ThinkSummary, ThinkTrial


def think(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ThinkSettings,
    *,
    seed: int = 0,
    budget: BudgetSettings | None = None,
    progress: Progress = silent,
) -> "ThinkSummary":
    """Ask under both templates and compare; the same call again finishes the work."""
    from pipelines.scoring.budget import Budget

    trial, ids = _trial(workspace, policy, settings, seed, progress)
    left = Budget() if budget is None else Budget(budget.rollouts, budget.tokens)
    return trial.run(ids, progress, left)


def estimate_think(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ThinkSettings,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> "ProbeEstimate":
    """Say what `think` would ask, without asking."""
    trial, ids = _trial(workspace, policy, settings, seed, progress)
    return trial.estimate(ids)


def _trial(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ThinkSettings,
    seed: int,
    progress: Progress,
) -> "tuple[ThinkTrial, Sequence[str]]":
    from pipelines.policies.templates import template_named
    from pipelines.scoring.think import ThinkTrial

    direct = template_named(settings.direct)
    asker = asker_of(workspace, policy, progress)
    trial = ThinkTrial(
        workspace.catalog, asker, direct, settings.answers, settings.samples, seed=seed
    )
    return trial, candidates(workspace, settings.where, asker.policy.policy_id)
