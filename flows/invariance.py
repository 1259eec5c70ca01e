"""The invariance audit as a plain function: settings joined with the parts that do the work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.evidence import asker_of, candidates
from flows.settings import AugmentSettings, BudgetSettings, InvarianceSettings, PolicySettings
from pipelines.workspace import Progress, Workspace, WrongUse, silent

if TYPE_CHECKING:
    from augment.labels import Table
    from augment.recipes import Step
    from pipelines.scoring.invariance import AuditEstimate, AuditSummary, InvarianceAudit


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which transforms are audited; without any named, all that there are."""

    transforms: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    """Their transforms, as strong as they have them."""
    allow: tuple[str, ...] = ()
    """`TRANSFORM:TAG`, or `TRANSFORM`: what is wrongly called safe, as a trial of the audit."""


def audit_invariance(
    workspace: Workspace,
    policy: PolicySettings,
    settings: InvarianceSettings,
    augmenting: AugmentSettings,
    wanted: Wanted,
    *,
    seed: int = 0,
    budget: BudgetSettings | None = None,
    progress: Progress = silent,
) -> "AuditSummary":
    """Ask about samples and twins, and judge; the same call again finishes the work."""
    from pipelines.scoring.budget import Budget

    audit, ids = _audit(
        workspace, policy, settings, augmenting, wanted, seed=seed, progress=progress
    )
    left = Budget() if budget is None else Budget(budget.rollouts, budget.tokens)
    return audit.run(ids, progress, left)


def estimate_invariance(
    workspace: Workspace,
    policy: PolicySettings,
    settings: InvarianceSettings,
    augmenting: AugmentSettings,
    wanted: Wanted,
    *,
    seed: int = 0,
) -> "AuditEstimate":
    """Say what `audit_invariance` would ask, without asking."""
    audit, ids = _audit(workspace, policy, settings, augmenting, wanted, seed=seed)
    return audit.estimate(ids)


def _audit(
    workspace: Workspace,
    policy: PolicySettings,
    settings: InvarianceSettings,
    augmenting: AugmentSettings,
    wanted: Wanted,
    *,
    seed: int,
    progress: Progress = silent,
) -> "tuple[InvarianceAudit, Sequence[str]]":
    from pipelines.scoring.invariance import InvarianceAudit
    from pipelines.scoring.twins import PairChooser
    from pipelines.twins import TwinMaker

    steps = steps_of(workspace, wanted.transforms, wanted.recipes)
    maker = TwinMaker(seed, table_of(workspace, augmenting), wanted.allow)
    asker = asker_of(workspace, policy, progress)
    ids = candidates(workspace, settings.where, asker.policy.policy_id)
    chooser = PairChooser(workspace, maker, steps, settings.pairs)
    return InvarianceAudit(asker, chooser, settings.answers, augmenting.margin, seed), ids


def steps_of(
    workspace: Workspace, transforms: Sequence[str], recipes: Sequence[str]
) -> "tuple[Step, ...]":
    """Give the transforms that are named, those of the recipes, or all that there are.

    Raises WrongUse where one is asked for at two strengths, AugmentError where nobody knows it.
    """
    from augment.recipes import Step, chosen
    from augment.transforms import TRANSFORMS, find

    steps = {find(name).name: Step(name) for name in transforms}
    for recipe in recipes:
        for step in chosen(recipe, workspace.root).steps:
            if step.transform in steps:
                raise WrongUse(f"{step.transform!r} is asked for twice; leave one of them out")
            steps[step.transform] = step
    return tuple(steps.values() if steps else map(Step, sorted(TRANSFORMS)))


def table_of(workspace: Workspace, settings: AugmentSettings) -> "Table":
    """Give the label table of the workspace."""
    from augment.labels import TABLE, overridden, read_table

    if settings.table is None:
        return TABLE
    return overridden(read_table(workspace.root / settings.table))
