"""The stages as plain functions: what a command calls and what a flow wraps.

Each joins settings with the parts that do the work; heavy libraries are imported when a stage
runs, so that naming them is quick.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.evidence import asker_of
from flows.settings import (
    AugmentSettings,
    CorpusSettings,
    EngineSettings,
    PolicySettings,
    Settings,
    train_config,
)
from pipelines.workspace import Progress, Workspace, WrongUse, silent

if TYPE_CHECKING:
    from augment.recipes import Recipe
    from pipelines.curation.curate import Frozen
    from pipelines.forms.convert import FormSummary
    from pipelines.ingest import IngestSummary
    from pipelines.views import AugmentSummary, Blocked
    from train.evaluation.comparison import Comparison
    from train.evaluation.measure import Evaluation
    from train.evaluation.report import Report, RunReport
    from train.evaluation.settings import EvaluationSettings
    from train.launch import TrainResult


def ingest(
    workspace: Workspace,
    corpus: CorpusSettings,
    progress: Progress = silent,
    *,
    engine: EngineSettings | None = None,
) -> "IngestSummary":
    """Bring one corpus in. Raises WrongUse for a corpus that nobody knows."""
    from pipelines.corpora.registry import CORPORA
    from pipelines.engine import engine_named
    from pipelines.ingest import ingest

    engine = engine or EngineSettings()
    known = CORPORA.get(corpus.name)
    if known is None:
        raise WrongUse(f"unknown corpus {corpus.name!r}; known are {', '.join(sorted(CORPORA))}")
    root = None if corpus.path is None else workspace.root / corpus.path
    return ingest(
        workspace,
        known,
        root,
        options=corpus.options.model_dump(exclude_none=True),
        revision=corpus.revision,
        benchmark=corpus.benchmark,
        engine=engine_named(engine.name, workers=engine.workers, address=engine.address),
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


def convert(
    workspace: Workspace,
    settings: AugmentSettings,
    *,
    corpus: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> "list[FormSummary]":
    """Ask training samples in the other forms that are wanted."""
    from pipelines.forms.convert import convert

    return [
        convert(
            workspace,
            form,
            options=settings.options,
            corpus=corpus,
            seed=seed,
            progress=progress,
        )
        for form in settings.forms
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


def run_report(workspace: Workspace, run_id: str) -> "RunReport":
    """Look up what a run came to."""
    from train.evaluation.report import run_report

    return run_report(workspace.catalog, run_id)


def evaluate(
    workspace: Workspace,
    policy: PolicySettings,
    settings: "EvaluationSettings",
    *,
    where: str = "",
    samples: int = 200,
    answers: int = 4,
    dataset: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> "dict[str, Evaluation]":
    """Measure a policy on the sets that are wanted. Raises WrongUse when these are empty.

    `dataset` says what `retention` keeps away from; a policy that was trained here knows it.
    """
    from train.evaluation.measure import evaluate
    from train.evaluation.sets import before_of, measured_sets

    asker = asker_of(workspace, policy, progress)
    before = before_of(workspace.catalog, asker.policy.policy_id, dataset)
    sets = measured_sets(workspace, settings, where=where, limit=samples, seed=seed, before=before)
    if not sets:
        raise WrongUse(
            f"nothing to measure on: no sample of {' or '.join(settings.sets)} "
            f"(split 'test') satisfies {where or 'true'!r}"
        )
    return {
        chosen.name: evaluate(
            *(workspace, asker.policy, chosen, asker.template, asker.sampling),
            n=answers,
            seed=seed,
            grading=asker.grading,
            progress=progress,
        )
        for chosen in sets
    }


def compare(
    workspace: Workspace, first: "dict[str, Evaluation]", second: "dict[str, Evaluation]"
) -> "dict[str, Comparison]":
    """Say what the second of two measured policies gains over the first, set by set."""
    from train.evaluation.comparison import compare

    return {
        name: compare(workspace.catalog, first[name], second[name])
        for name in first
        if name in second
    }


def policy_named(workspace: Workspace, source: str) -> str:
    """Give the checkpoint of a run that is named by its id or as `dataset@version`.

    Whatever names no run is given back as it is.
    """
    from train.evaluation.curves import find_run

    if source == "tiny" or "://" in source or Path(source).exists():
        return source
    try:
        run_id = find_run(workspace.catalog, source)
    except WrongUse:
        return source
    final = workspace.runs / run_id / "final"
    if not final.is_dir():
        raise WrongUse(f"run {run_id} has no trained policy yet; `curricle train` finishes it")
    return str(final)


def report(workspace: Workspace, runs: Sequence[str]) -> "Report":
    """Say what some runs came to, and draw their curves."""
    from train.evaluation.curves import find_run
    from train.evaluation.report import report

    return report(workspace, [find_run(workspace.catalog, named) for named in runs])
