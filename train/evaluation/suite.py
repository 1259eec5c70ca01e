"""A run's own measurements: the same sets, asked the same way, before, during and after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.catalog import Catalog
from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.policy import Policy, Sampling
from pipelines.policies.templates import PromptTemplate
from pipelines.policies.weights import checkpoint_id
from pipelines.rewards import BY_KIND, Grading
from pipelines.workspace import Progress, Workspace, silent
from train.evaluation.comparison import across_views
from train.evaluation.live import LivePolicy
from train.evaluation.measure import Evaluation, Question, evaluate, recall
from train.evaluation.sets import Before, MeasuredSet, measured_sets
from train.evaluation.settings import HELD_OUT, LOOKING
from train.runs import Run


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Sets of samples, with everything that decides how they are asked."""

    workspace: Workspace
    sets: Sequence[MeasuredSet]
    template: PromptTemplate
    sampling: Sampling
    n: int
    """Answers to each sample."""
    seed: int
    grading: Grading = BY_KIND
    progress: Progress = silent

    def known(self, policy_id: str) -> dict[str, Evaluation] | None:
        """Give what was measured before, by set; None when any of it was not."""
        found = {}
        for chosen in self.sets:
            known = recall(self.workspace.catalog, self._question(chosen, policy_id))
            if known is None:
                return None
            found[chosen.name] = known
        return found

    def measure(self, policy: Policy, step: int | None = None) -> dict[str, Evaluation]:
        """Measure a policy on every set; what was asked before is read back."""
        return {
            chosen.name: evaluate(
                *(self.workspace, policy, chosen, self.template, self.sampling),
                n=self.n,
                seed=self.seed,
                grading=self.grading,
                step=step,
                progress=self.progress,
            )
            for chosen in self.sets
        }

    def measure_folder(self, folder: Path, name: str) -> dict[str, Evaluation]:
        """Measure a checkpoint, which is loaded only where something was not asked before."""
        known = self.known(checkpoint_id(folder))
        return self.measure(CheckpointPolicy(folder, name=name)) if known is None else known

    def measure_live(
        self, model: Any, processor: Any, *, run_id: str, step: int
    ) -> dict[str, Evaluation]:
        """Measure the weights of a run as they stand after an update."""
        policy = LivePolicy(model, processor, run_id=run_id, step=step)
        known = self.known(policy.policy_id)
        return self.measure(policy, step) if known is None else known

    def _question(self, chosen: MeasuredSet, policy_id: str) -> Question:
        return Question.about(
            *(chosen, policy_id, self.template, self.sampling),
            n=self.n,
            seed=self.seed,
            grading=self.grading,
        )


def suite_of(
    workspace: Workspace, run: Run, grading: Grading, progress: Progress = silent
) -> Suite:
    """Choose what a run is measured on; without `eval_samples` it is nothing."""
    config = run.config
    sets = measured_sets(
        workspace,
        config.evaluation,
        where=config.eval_where,
        limit=config.eval_samples,
        seed=config.seed,
        before=Before(dataset=run.dataset, version=run.version, policy_id=run.policy_id),
    )
    return Suite(
        workspace=workspace,
        sets=sets,
        template=run.template,
        sampling=config.sampling,
        n=config.eval_answers,
        seed=config.seed,
        grading=grading,
        progress=progress,
    )


def in_course(suite: Suite, run: Run, trainer: Any) -> Callable[[int], Mapping[str, float]]:
    """Give what measures a trainer's policy where it is time: `accuracies`, else nothing.

    For the first process alone; the others wait for it. After the last update the trained policy
    itself is measured, so the live one is not.
    """
    every = run.config.evaluation.every

    def measure(step: int) -> Mapping[str, float]:
        if not every or step % every or step >= trainer.state.max_steps:
            return {}
        model = trainer.accelerator.unwrap_model(trainer.model)
        processor = trainer.processing_class
        found = suite.measure_live(model, processor, run_id=run.run_id, step=step)
        return accuracies(suite.workspace.catalog, found)

    return measure


def accuracies(catalog: Catalog, found: Mapping[str, Evaluation]) -> dict[str, float]:
    """Give accuracy by set, and beside `blind` that of the same samples as they are."""
    rates = {name: one.accuracy for name, one in found.items()}
    if HELD_OUT in found and "blind" in found:
        # `held-out` may hold questions without media, which are no measure of looking.
        rates[LOOKING] = across_views(catalog, found[HELD_OUT], found["blind"]).first
    return rates
