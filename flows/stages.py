"""The stages as plain functions: what a command calls and what a flow wraps.

Each joins settings with the parts that do the work; heavy libraries are imported when a stage
runs, so that naming them is quick.
"""

import os
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
from pipelines.workspace import Progress, Workspace, WrongUse, silent, validated

if TYPE_CHECKING:
    from augment.recipes import Recipe
    from pipelines.clean.cleaning import CleanSummary
    from pipelines.corpora.mapped.draft import Drafted
    from pipelines.corpora.opening import Wanted
    from pipelines.curation.curate import Frozen
    from pipelines.curation.export import Export
    from pipelines.curation.handoff import Report as HandoffReport
    from pipelines.curation.handoff import TrainerName
    from pipelines.explain import Explained
    from pipelines.forms.convert import FormSummary
    from pipelines.ingest import IngestSummary
    from pipelines.views import AugmentSummary, Blocked
    from pipelines.withdrawal import Withdrawn
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
    from pipelines.corpora.opening import opened
    from pipelines.engine import engine_named
    from pipelines.ingest import ingest

    engine = engine or EngineSettings()
    with opened(_wanted(corpus), workspace.root, workspace.staging) as (known, root):
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


def explain(workspace: Workspace, corpus: CorpusSettings, count: int) -> "list[Explained]":
    """Say what the first records of a corpus would become; nothing is kept."""
    from pipelines.corpora.opening import opened
    from pipelines.explain import explained

    with opened(_wanted(corpus), workspace.root, workspace.staging) as (known, root):
        return list(explained(known, root, count))


def draft(workspace: Workspace, corpus: Path, name: str | None = None) -> "Drafted":
    """Look at a corpus and write the mapping that would bring it in.

    Raises WrongUse where a mapping of that name is there already.
    """
    from pipelines.corpora.mapped.draft import written

    return written(corpus, workspace.root / "maps", name)


def _wanted(corpus: CorpusSettings) -> "Wanted":
    from pipelines.corpora.opening import Wanted

    return Wanted(corpus.name, corpus.path, corpus.map, corpus.format)


def clean(workspace: Workspace, progress: Progress = silent) -> "CleanSummary":
    """Find duplicates, conflicting answers and benchmark leaks."""
    from pipelines.clean.cleaning import clean

    return clean(workspace, progress)


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


def export(
    workspace: Workspace,
    dataset: str,
    to: str,
    out: Path,
    *,
    boxes: str = "pixels",
    max_pixels: int | None = None,
    template: str = "plain",
    progress: Progress = silent,
    **options: Any,
) -> "Export":
    """Write a dataset version in a trainer's format."""
    from pipelines.curation.export import export
    from pipelines.curation.formats.rows import Asking
    from pipelines.policies.templates import template_named

    asked: dict[str, Any] = {"boxes": boxes, "template": template_named(template)}
    if max_pixels is not None:
        asked["max_pixels"] = max_pixels
    asking = validated(asked, Asking, "the command line")
    return export(workspace, dataset, to, out, asking=asking, progress=progress, **options)


def check_handoff(
    workspace: Workspace,
    what: str,
    trainer: "TrainerName",
    *,
    processor: str | None = None,
    max_prompt_length: int | None = None,
    prompts_per_step: int | None = None,
    progress: Progress = silent,
) -> "HandoffReport":
    """Check a file or folder of rows, or a dataset as it would be exported."""
    import tempfile

    from pipelines.curation.handoff import check

    def checked(path: Path) -> "HandoffReport":
        return check(
            path,
            trainer,
            prompts_per_step=prompts_per_step,
            processor=None if processor is None else _processor(processor),
            max_prompt_length=max_prompt_length,
            progress=progress,
        )

    if Path(what).exists() or os.sep in what or Path(what).suffix:
        return checked(Path(what))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "export"
        export(workspace.require(), what, trainer, out, progress=progress)
        return replace(checked(out), path=what)


def _processor(source: str) -> Any:
    """Load what turns prompts into tokens. Raises WrongUse where there is none."""
    if source == "tiny":
        from train.tiny.model import new_processor

        return new_processor()
    from transformers import AutoProcessor

    if not Path(source).is_dir():
        raise WrongUse(f"{source} is no checkpoint folder with a processor")
    reader: Any = AutoProcessor
    try:
        return reader.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        raise WrongUse(f"{source} holds no processor: {error}") from error


def withdrawing(
    workspace: Workspace,
    where: str | None,
    samples: Sequence[str],
    corpus: str | None,
    source_ref: str = "*",
) -> Sequence[str]:
    """Give the samples that a person wants removed, said in one of three ways.

    Raises WrongUse where there are none, unless an earlier withdrawal was cut short and is to be
    finished: it may have taken them already.
    """
    from flows.evidence import candidates
    from pipelines.withdrawal import samples_of_corpus, unfinished

    if sum((where is not None, bool(samples), corpus is not None)) != 1:
        raise WrongUse("say which samples: a condition, or --sample, or --corpus")
    try:
        if corpus is not None:
            return samples_of_corpus(workspace.catalog, corpus, source_ref)
        return samples if where is None else candidates(workspace, where)
    except WrongUse:
        if unfinished(workspace):
            return ()
        raise


def withdraw(
    workspace: Workspace, samples: Sequence[str], *, reason: str, dry_run: bool = False
) -> "Withdrawn":
    """Remove samples for good."""
    from pipelines.withdrawal import withdraw

    return withdraw(workspace, samples, reason=reason, dry_run=dry_run)
