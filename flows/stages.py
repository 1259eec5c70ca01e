"""The stages as plain functions: what a command calls and what a flow wraps.

Each joins settings with the parts that do the work; heavy libraries are imported when a stage
runs, so that naming them is quick.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.evidence import asker_of
from flows.settings import AugmentSettings, CorpusSettings, PolicySettings, Settings, train_config
from pipelines.workspace import Progress, Workspace, WrongUse, silent

if TYPE_CHECKING:
    from augment.recipes import Recipe
    from pipelines.curation.curate import Frozen
    from pipelines.ingest import IngestSummary
    from pipelines.views import AugmentSummary, Blocked
    from train.evaluate import Evaluation
    from train.launch import TrainResult


def ingest(
    workspace: Workspace, corpus: CorpusSettings, progress: Progress = silent
) -> "IngestSummary":
    """Bring one corpus in. Raises WrongUse for a corpus that nobody knows."""
    from pipelines.corpora.registry import CORPORA
    from pipelines.ingest import ingest

    known = CORPORA.get(corpus.name)
    if known is None:
        raise WrongUse(f"unknown corpus {corpus.name!r}; known are {', '.join(sorted(CORPORA))}")
    root = None if corpus.path is None else workspace.root / corpus.path
    return ingest(
        workspace,
        known,
        root,
        options=corpus.options.model_dump(exclude_none=True),
        progress=progress,
    )


def augment(
    workspace: Workspace,
    settings: AugmentSettings,
    *,
    corpus: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> "list[AugmentSummary]":
    """Make the views of every recipe. Raises AugmentError for a recipe that cannot be drawn."""
    from augment.labels import TABLE, overridden, read_table
    from augment.recipes import chosen
    from pipelines.scoring.blocks import blocked
    from pipelines.views import augment

    blocks = blocked(workspace.catalog, settings.margin)
    table = TABLE
    if settings.table is not None:
        table = overridden(read_table(workspace.root / settings.table))
    recipes = [chosen(name, workspace.root) for name in settings.recipes]
    done = [
        augment(
            workspace,
            recipe,
            corpus=corpus,
            copies=settings.copies,
            seed=seed,
            table=table,
            blocked=blocks if settings.blocks else None,
            progress=progress,
        )
        for recipe in recipes
    ]
    if settings.blocks:
        return done
    return [
        replace(summary, unheeded=_unheeded(blocks, recipe))
        for summary, recipe in zip(done, recipes, strict=True)
    ]


def _unheeded(blocks: "Blocked", recipe: "Recipe") -> tuple[str, ...]:
    names = {step.transform for step in recipe.steps}
    return tuple(f"{transform} in {task}" for task, transform in blocks if transform in names)


def curate(
    workspace: Workspace, plan: Path, *, dry_run: bool = False, progress: Progress = silent
) -> "Frozen":
    """Freeze a plan into a dataset version."""
    from pipelines.curation.curate import curate
    from pipelines.curation.plans import read_plan

    return curate(workspace, read_plan(plan), dry_run=dry_run, progress=progress)


def train(
    workspace: Workspace, settings: Settings, run: dict[str, Any], progress: Progress = silent
) -> "TrainResult":
    """Make one training run, measured before and after."""
    from train.launch import train

    return train(workspace, train_config(settings, run), progress)


def evaluate(
    workspace: Workspace,
    policy: PolicySettings,
    *,
    where: str = "",
    samples: int = 200,
    answers: int = 4,
    seed: int = 0,
    progress: Progress = silent,
) -> "Evaluation":
    """Measure a policy on held-out samples. Raises WrongUse when there are none."""
    from train.evaluate import evaluate, held_out

    chosen = held_out(workspace, where, samples, seed)
    if not chosen:
        raise WrongUse(f"no held-out sample (split 'test') satisfies {where or 'true'!r}")
    asker = asker_of(workspace, policy, progress)
    return evaluate(
        workspace,
        asker.policy,
        chosen,
        asker.template,
        asker.sampling,
        n=answers,
        seed=seed,
        grading=asker.grading,
        progress=progress,
    )
