"""One training run from its configuration to its result: started, gone on with, or found done."""

import logging
import math
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.utils import logging as transformers_logging

from pipelines.catalog import LockTimeout
from pipelines.catalog.lock import workspace_lock
from pipelines.policies.checkpoint import CheckpointPolicy, checkpoint_id
from pipelines.policies.templates import template_named
from pipelines.record.media import MediaKind
from pipelines.record.sample import Sample
from pipelines.rewards import Grading
from pipelines.rewards.declared import grading_of
from pipelines.scoring.ask import Asker
from pipelines.workspace import Progress, Workspace, WrongUse, silent
from train.checkpoints import Mark, drop_checkpoints, newest_complete, read_mark, write_final
from train.config import TrainConfig
from train.data import CuratedRows, check_layout, check_media
from train.evaluate import Evaluation, Question, evaluate, held_out, recall
from train.runs import Run
from train.start import start_of
from train.telemetry import Asked, Telemetry
from train.trainer import CuratedTrainer, Watcher, build_trainer, trl_settings
from train.training_set import TrainingSet, open_training_set, refuse_held_out


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a run came to."""

    run_id: str
    steps: int
    before: Evaluation | None
    """Held-out accuracy of the policy that it started from; None when nothing was measured."""
    after: Evaluation | None
    checkpoint: Path
    """The trained policy, a folder that `transformers` loads."""
    trained_policy_id: str
    zero_advantage_share: float
    """Mean share of groups that taught nothing."""
    seconds: float
    found_done: bool
    """True when the run had been finished before and nothing was trained now."""

    @property
    def gain(self) -> float | None:
        """Held-out accuracy won, in shares of one."""
        if self.before is None or self.after is None:
            return None
        return self.after.accuracy - self.before.accuracy


def train(workspace: Workspace, config: TrainConfig, progress: Progress = silent) -> TrainResult:
    """Train a policy on a dataset version, measured on held-out samples before and after.

    The same call finds a finished run and gives it back, and goes on with a killed one from its
    last whole checkpoint. Raises WrongUse for what cannot be trained as it is.
    """
    started = time.monotonic()
    _quiet()
    _refuse_several_processes()
    curated = open_training_set(workspace, config.dataset, config.version)
    check_layout(curated.rows, config.prompts_per_step, curated.name)
    refuse_held_out(workspace.catalog, curated)
    grading = grading_of(config.reward, config.rewards, workspace.root)
    source = start_of(workspace, config.policy, progress)
    run = Run(
        dataset=curated.dataset,
        version=curated.version,
        manifest_hash=curated.manifest_hash,
        policy_id=checkpoint_id(source),
        template=template_named(config.template),
        config=config,
        root=workspace.runs,
        reward_ids=grading.reward_ids(row.sample.reference for row in curated.rows),
    )
    measured = held_out(workspace, config.eval_where, config.eval_samples, config.seed)
    before = _measure(workspace, run, source, measured, grading=grading, progress=progress)
    found_done = run.is_done(workspace.catalog)
    if not found_done:
        with _alone(run):
            if not run.final.is_dir():
                _train(workspace, run, curated, source, grading=grading, progress=progress)
            drop_checkpoints(run.folder)
            run.end(workspace.catalog, "done", checkpoint_id(run.final))
    after = _measure(workspace, run, run.final, measured, grading=grading, progress=progress)
    steps, zero_advantage_share = run.steps(workspace.catalog)
    return TrainResult(
        run_id=run.run_id,
        steps=steps,
        before=before,
        after=after,
        checkpoint=run.final,
        trained_policy_id=checkpoint_id(run.final),
        zero_advantage_share=zero_advantage_share,
        seconds=time.monotonic() - started,
        found_done=found_done,
    )


def steps_of(config: TrainConfig, rows: int) -> int:
    """Updates that a run makes."""
    return config.max_steps or config.passes * math.ceil(rows / config.prompts_per_step)


def source_name(policy: str) -> str:
    """What people call the policy to start from: `tiny`, a hub id, or its folder's name."""
    return Path(policy).name if Path(policy).is_dir() else policy


def _measure(
    workspace: Workspace,
    run: Run,
    folder: Path,
    samples: list[Sample],
    *,
    grading: Grading,
    progress: Progress,
) -> Evaluation | None:
    """Measure a policy on held-out samples; it is loaded only where it was not measured before."""
    if not samples:
        return None
    config = run.config
    question = Question(
        policy_id=checkpoint_id(folder),
        template=run.template,
        sampling=config.sampling,
        sample_ids=tuple(sorted(sample.sample_id for sample in samples)),
        n=config.eval_answers,
        seed=config.seed,
        reward_ids=grading.reward_ids(sample.reference for sample in samples),
    )
    known = recall(workspace.catalog, question)
    if known is not None:
        return known
    name = run.run_id if folder == run.final else source_name(config.policy)
    return evaluate(
        workspace,
        CheckpointPolicy(folder, name=name),
        samples,
        run.template,
        config.sampling,
        n=config.eval_answers,
        seed=config.seed,
        grading=grading,
        progress=progress,
    )


def _train(
    workspace: Workspace,
    run: Run,
    curated: TrainingSet,
    source: Path,
    *,
    grading: Grading,
    progress: Progress,
) -> None:
    processor, takes = _introduce(workspace, run, source)
    check_media(curated.rows, run.template, takes, curated.name)
    rows = CuratedRows(curated.rows, curated.read, run.template, takes)
    settings = trl_settings(run.config, run.folder, steps_of(run.config, len(rows)))
    telemetry = _telemetry(workspace, run)
    run.begin(workspace.catalog)
    try:
        trainer = build_trainer(source, processor, rows, settings, telemetry, grading=grading)
        _fit(trainer, telemetry, run, curated, progress)
    except BaseException as error:
        run.end(workspace.catalog, "failed" if isinstance(error, Exception) else "stopped")
        raise


def _introduce(workspace: Workspace, run: Run, source: Path) -> tuple[Any, frozenset[MediaKind]]:
    """Write down who is trained, and give its processor and the media it takes."""
    policy = CheckpointPolicy(source, name=source_name(run.config.policy))
    asker = Asker(policy, run.template, run.config.sampling, workspace.media.read)
    with workspace.catalog.write() as connection:
        asker.introduce(connection)
    return policy.processor, policy.takes


def _fit(
    trainer: CuratedTrainer,
    telemetry: Telemetry,
    run: Run,
    curated: TrainingSet,
    progress: Progress,
) -> None:
    """Run the trainer from its last whole checkpoint, or from the start, to its end."""
    checkpoint = _resume(trainer, run)
    ids, order = curated.sample_ids, trainer.order
    steps = trainer.args.max_steps
    asked = [[ids[row] for row in order.rows_of(step)] for step in range(steps)]
    telemetry.start(asked, done=order.consumed)

    def mark_of(step: int) -> Mark:
        return Mark(run.run_id, step, run.manifest_hash, order.state_dict())

    trainer.add_callback(Watcher(telemetry, mark_of, progress))
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    finally:
        telemetry.burst()
    write_final(run.folder, lambda folder: trainer.save_model(str(folder)), mark_of(steps))


def _resume(trainer: CuratedTrainer, run: Run) -> Path | None:
    """Set the order to where the last whole checkpoint left it; None when there is none."""
    checkpoint = newest_complete(run.folder)
    facts = read_mark(checkpoint) if checkpoint else None
    if facts is not None:
        if facts.manifest_hash != run.manifest_hash:
            raise WrongUse(
                f"{checkpoint} was trained on another manifest of {run.dataset}@{run.version}; "
                f"remove {run.folder} to train from the start"
            )
        trainer.order.load_state_dict(dict(facts.order))
    return checkpoint


def _telemetry(workspace: Workspace, run: Run) -> Telemetry:
    asked = Asked(
        run_id=run.run_id,
        policy_id=run.policy_id,
        template_id=run.template.template_id,
        sampling=run.config.sampling,
        seed=run.config.seed,
        group=run.config.num_generations,
    )
    return Telemetry(workspace.catalog, asked, run.folder / "parts")


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Keep a second process from training the same run. Raises WrongUse when one does."""
    try:
        with workspace_lock(run.folder / ".lock", exclusive=True, timeout=0.5):
            yield
    except LockTimeout as error:
        raise WrongUse(f"run {run.run_id} is being trained by another process") from error


def _refuse_several_processes() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise WrongUse("curricle trains in one process for now; start it without a launcher")


def _quiet() -> None:
    """Leave the screen to our own progress."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\.")
    for name in ("trl", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
