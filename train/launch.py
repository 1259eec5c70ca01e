"""One training run from its configuration to its result: started, gone on with, or found done."""

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers.utils import logging as transformers_logging

from pipelines.catalog import LockTimeout
from pipelines.catalog.lock import workspace_lock
from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.templates import PromptTemplate, template_named
from pipelines.policies.weights import checkpoint_id
from pipelines.record.media import MediaKind
from pipelines.rewards import Grading
from pipelines.rewards.declared import grading_of
from pipelines.scoring.ask import Asker
from pipelines.scoring.think import modes
from pipelines.stopping import Stopped
from pipelines.workspace import Progress, Workspace, WrongUse, silent
from train.build import build_trainer
from train.checkpoints import Mark, drop_checkpoints, newest_complete, read_mark, write_final
from train.config import TrainConfig
from train.data import CuratedRows, check_media
from train.evaluation.measure import Evaluation
from train.evaluation.settings import HELD_OUT
from train.evaluation.suite import Suite, in_course, suite_of
from train.processes import Processes, processes
from train.runs import Run
from train.saving import save_policy
from train.signals.watch import Watch
from train.start import start_of
from train.stopping import Wish, heard
from train.switches import Switches
from train.telemetry import Asked, Telemetry
from train.trainer import CuratedTrainer
from train.training_set import TrainingSet, open_training_set, refuse_held_out
from train.watcher import Watcher


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """What a run came to."""

    run_id: str
    steps: int
    before: Evaluation | None
    """Held-out accuracy of the policy that it started from; None when nothing was measured."""
    after: Evaluation | None
    sets: dict[str, tuple[Evaluation, Evaluation]]
    """Every measured set, before and after."""
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
    team = processes()
    progress = progress if team.is_first else silent
    _refuse_missing_vllm(config)
    curated = open_training_set(workspace, config.dataset, config.version)
    refuse_held_out(workspace.catalog, curated)
    grading = grading_of(config.reward, config.rewards, workspace.root)
    # A policy that must be made first is made once.
    made = str(start_of(workspace, config.policy, progress)) if team.is_first else ""
    source = Path(team.share(made))
    policy_id = checkpoint_id(source)
    run = Run(
        dataset=curated.dataset,
        version=curated.version,
        manifest_hash=curated.manifest_hash,
        policy_id=policy_id,
        template=template_named(config.template),
        of_task=_templates(workspace, config, policy_id),
        config=config,
        root=workspace.runs,
        reward_ids=grading.reward_ids(row.sample.reference for row in curated.rows),
    )
    job = Job(workspace, run, curated, source, grading, team, progress)
    before = job.measure(source)
    found_done = team.share(run.is_done(workspace.catalog))
    if not found_done:
        job.train()
    after = job.measure(run.final)
    steps, zero_advantage_share = run.steps(workspace.catalog)
    return TrainResult(
        run_id=run.run_id,
        steps=steps,
        before=before.get(HELD_OUT),
        after=after.get(HELD_OUT),
        sets={name: (before[name], after[name]) for name in before},
        checkpoint=run.final,
        trained_policy_id=checkpoint_id(run.final),
        zero_advantage_share=zero_advantage_share,
        seconds=time.monotonic() - started,
        found_done=found_done,
    )


def _templates(
    workspace: Workspace, config: TrainConfig, policy_id: str
) -> dict[str, PromptTemplate]:
    """The templates of the tasks that are asked otherwise than `config.template` says."""
    if not config.think_by_task:
        return {}
    found = modes(
        workspace.catalog,
        policy_id,
        thinking=config.template,
        sampling_id=config.sampling.sampling_id,
    )
    return {task: template_named(name) for task, name in found.items()}


def source_name(policy: str) -> str:
    """What people call the policy to start from: `tiny`, a hub id, or its folder's name."""
    return Path(policy).name if Path(policy).is_dir() else policy


@dataclass(frozen=True)
class Job:
    """A run with everything that it takes to make it."""

    workspace: Workspace
    run: Run
    curated: TrainingSet
    source: Path
    grading: Grading
    team: Processes
    progress: Progress

    @cached_property
    def suite(self) -> Suite:
        """What the run is measured on; for the first process alone."""
        return suite_of(self.workspace, self.run, self.grading, self.progress)

    def measure(self, folder: Path) -> dict[str, Evaluation]:
        """Measure a policy on every set, once: on the first process, read back ever after."""
        name = self.run.run_id if folder == self.run.final else source_name(self.run.config.policy)
        found = self.suite.measure_folder(folder, name) if self.team.is_first else {}
        return self.team.share(found)

    def train(self) -> None:
        """Train to the end, from the last whole checkpoint where there is one."""
        run, first = self.run, self.team.is_first
        with _alone(run) if first else nullcontext():
            if not self.team.share(run.final.is_dir()):
                self._train()
            if first:
                drop_checkpoints(run.folder)
                facts = read_mark(run.final)
                status = "halted" if facts and facts.stopped else "done"
                run.end(self.workspace.catalog, status, checkpoint_id(run.final))
        self.team.wait()

    def _train(self) -> None:
        catalog = self.workspace.catalog
        if self.team.is_first:
            self.run.begin(catalog, self.team.count)
        try:
            with heard() as wish:
                self._fit(wish)
        except BaseException as error:
            if self.team.is_first:
                self.run.end(catalog, "failed" if isinstance(error, Exception) else "stopped")
            raise

    def _fit(self, wish: Wish) -> None:
        """Run the trainer from its last whole checkpoint, or from the start, to its end.

        Raises Stopped, with a checkpoint of the last step, where somebody wants it to stop.
        """
        run, config, team = self.run, self.run.config, self.team
        processor, takes = self._introduce()
        check_media(self.curated.rows, run.template, takes, self.curated.name)
        rows = CuratedRows(self.curated.rows, self.curated.read, run.template, takes, run.of_task)
        telemetry = self._telemetry()
        trainer = build_trainer(
            config,
            self.source,
            processor,
            rows,
            folder=run.folder,
            seed_of=telemetry.asked.seed_of,
            tell=telemetry.tell,
            grading=self.grading,
            processes=team.count,
        )
        order, steps = trainer.order, trainer.order.batches
        watch = Watch(config.signals, steps)
        switches = Switches(trainer, config)
        checkpoint = self._resume(trainer, watch, switches)
        if team.is_first:
            telemetry.start(steps, done=order.consumed)

        def mark_of(step: int, stopped: str | None = None) -> Mark:
            state = order.state_dict()
            return Mark(
                run.run_id,
                step,
                run.manifest_hash,
                order=state,
                watch=watch.state_dict(),
                switched=switches.thrown,
                stopped=stopped,
            )

        watcher = Watcher(
            processes=team,
            telemetry=telemetry if team.is_first else None,
            watch=watch,
            mark_of=mark_of,
            switch=switches.throw,
            measure=in_course(self.suite, run, trainer) if team.is_first else None,
            keeps=lambda: switches.keeps,
            wish=wish,
            progress=self.progress,
        )
        trainer.add_callback(watcher)
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        finally:
            if team.is_first:
                telemetry.burst()
        if watcher.left_by:
            raise Stopped(watcher.left_by)
        done = mark_of(trainer.state.global_step, watcher.stopped)
        if team.is_first:
            write_final(run.folder, partial(save_policy, trainer), done)
        team.wait()

    def _introduce(self) -> tuple[Any, frozenset[MediaKind]]:
        """Write down who is trained, and give its processor and the media it takes."""
        policy = CheckpointPolicy(self.source, name=source_name(self.run.config.policy))
        asker = Asker(
            policy, self.run.template, self.run.config.sampling, self.workspace.media.read
        )
        if self.team.is_first:
            with self.workspace.catalog.write() as connection:
                asker.introduce(connection)
        return policy.processor, policy.takes

    def _telemetry(self) -> Telemetry:
        run = self.run
        asked = Asked(
            run_id=run.run_id,
            policy_id=run.policy_id,
            template_id=run.template.template_id,
            sampling=run.config.sampling,
            seed=run.config.seed,
            group=run.config.num_generations,
        )
        return Telemetry(self.workspace.catalog, asked, run.folder / "parts")

    def _resume(self, trainer: CuratedTrainer, watch: Watch, switches: Switches) -> Path | None:
        """Set everything to where the last whole checkpoint left it; None when there is none."""
        run, team = self.run, self.team
        found = newest_complete(run.folder) if team.is_first else None
        checkpoint = team.share(found)
        facts = read_mark(checkpoint) if checkpoint else None
        if checkpoint is None or facts is None:
            return None
        if facts.manifest_hash != run.manifest_hash:
            raise WrongUse(
                f"{checkpoint} was trained on another manifest of {run.dataset}@{run.version}; "
                f"remove {run.folder} to train from the start"
            )
        try:
            trainer.order.load_state_dict(dict(facts.order))
        except ValueError as error:
            raise WrongUse(
                f"{checkpoint} cannot be gone on from: {error}; remove {run.folder} to train from "
                "the start"
            ) from error
        watch.load_state_dict(facts.watch)
        switches.restore(facts.switched, checkpoint)
        return checkpoint


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Keep a second process from training the same run. Raises WrongUse when one does."""
    try:
        with workspace_lock(run.folder / ".lock", exclusive=True, timeout=0.5):
            yield
    except LockTimeout as error:
        raise WrongUse(f"run {run.run_id} is being trained by another process") from error


def _refuse_missing_vllm(config: TrainConfig) -> None:
    if config.vllm is not None and find_spec("vllm") is None:
        raise WrongUse(
            "vLLM is not installed beside curricle, and [train.vllm] asks for it; install it in "
            "this environment (`uv pip install 'trl[vllm]'`), or leave that section out"
        )


def _quiet() -> None:
    """Leave the screen to our own progress."""
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\.")
    for name in ("trl", "accelerate"):
        logging.getLogger(name).setLevel(logging.ERROR)
