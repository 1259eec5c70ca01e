"""TRL's GRPOTrainer through two seams, and no others.

`_get_train_sampler` gives the curated order; a wrapper around `_generate_and_score_completions`
calls the original and looks at what came out. TRL's file changes weekly: whatever can be done
in the data, the sampler or the reward is done there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from pipelines.rewards import BY_KIND, Grading
from pipelines.workspace import Progress, WrongUse
from train.checkpoints import Mark, mark
from train.config import TrainConfig
from train.data import CuratedRows
from train.rewards import GradedAnswer, TrainingReward
from train.sampler import CuratedSampler
from train.telemetry import Answered, Telemetry

KEPT_CHECKPOINTS = 2
"""One may be half written when the run is killed."""


class CuratedTrainer(GRPOTrainer):
    """GRPO in the curated order, with every answer told to telemetry."""

    def __init__(
        self,
        *,
        rows: CuratedRows,
        reward: TrainingReward,
        telemetry: Telemetry,
        **options: Any,
    ) -> None:
        super().__init__(reward_funcs=[reward], train_dataset=rows.dataset(), **options)
        settings: Any = self.args  # typed as the TrainingArguments that GRPOConfig extends
        self.reward = reward
        self.telemetry = telemetry
        self.order = CuratedSampler(
            rows,
            group=settings.num_generations,
            prompts=settings.generation_batch_size // settings.num_generations,
            repeats=settings.num_iterations * settings.steps_per_generation,
        )
        grading = reward.grading
        self._reward_ids = [grading.reward_id(row.sample.reference) for row in rows.rows]
        self._row_of = {row.position: index for index, row in enumerate(rows.rows)}

    def _get_train_sampler(self, dataset: Any = None) -> CuratedSampler:  # noqa: ARG002
        return self.order

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        # A seed per step: a resumed run draws what an uninterrupted one would have drawn.
        torch.manual_seed(self.telemetry.asked.seed_of(self.state.global_step + 1))
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        self.order.consumed += 1
        self.telemetry.answered(self._answered(inputs, output))
        return output

    def _answered(self, inputs: list[dict[str, Any]], output: dict[str, Any]) -> list[Answered]:
        prompt_tokens = output["prompt_mask"].sum(dim=1).tolist()
        advantages = output["advantages"].tolist()
        return [
            Answered(
                sample_id=row["sample_id"],
                reward_id=self._reward_ids[self._row_of[row["position"]]],
                text=graded.text,
                finish_reason=self._finish_reason(graded),
                prompt_tokens=prompt_tokens[i],
                completion_tokens=len(graded.token_ids),
                score=graded.score,
                advantage=advantages[i],
            )
            for i, (row, graded) in enumerate(zip(inputs, self.reward.take(), strict=True))
        ]

    def _finish_reason(self, graded: GradedAnswer) -> str:
        return "stop" if graded.token_ids[-1] in self.eos_token_ids else "length"


class Watcher(TrainerCallback):
    """Tells telemetry of every step, and marks checkpoints as complete."""

    def __init__(
        self,
        telemetry: Telemetry,
        mark_of: Callable[[int], Mark],
        progress: Progress,
    ) -> None:
        self.telemetry = telemetry
        self.mark_of = mark_of
        self.progress = progress

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Leave the last checkpoint out: the trained policy itself is written next."""
        if state.global_step >= state.max_steps:
            control.should_save = False

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Write the step down. The summary at the end of training is no step."""
        if logs and "train_runtime" not in logs:
            self.telemetry.step_done(state.global_step, logs)
            self.progress("training steps", state.global_step, state.max_steps)

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,
    ) -> None:
        """Mark the checkpoint that was just written to its end."""
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        mark(folder, self.mark_of(state.global_step))


def build_trainer(
    source: Path,
    processor: Any,
    rows: CuratedRows,
    settings: GRPOConfig,
    telemetry: Telemetry,
    *,
    grading: Grading = BY_KIND,
) -> CuratedTrainer:
    """Make the trainer of a run, over weights in full precision."""
    trainer = CuratedTrainer(
        rows=rows,
        reward=TrainingReward(grading),
        telemetry=telemetry,
        model=str(source),
        args=settings,
        processing_class=processor,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def trl_settings(config: TrainConfig, folder: Path, steps: int) -> GRPOConfig:
    """Say our settings in TRL's words.

    One batch of answers is drawn per update (`steps_per_generation` is left to equal the
    accumulation steps), so that a checkpoint never lies inside a generation.
    """
    accelerated = torch.cuda.is_available()
    answers = config.prompts_per_step * config.num_generations
    per_forward = config.micro_batch or answers
    if answers % per_forward:
        raise WrongUse(f"micro_batch = {per_forward} does not divide the {answers} answers a step")
    return GRPOConfig(
        output_dir=str(folder),
        per_device_train_batch_size=per_forward,
        gradient_accumulation_steps=answers // per_forward,
        num_generations=config.num_generations,
        max_completion_length=config.max_tokens,
        temperature=config.temperature,
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant",
        beta=config.beta,
        loss_type=config.loss,
        max_steps=steps,
        seed=config.seed,
        shuffle_dataset=False,
        ignore_data_skip=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=accelerated,
        gradient_checkpointing=config.gradient_checkpointing,
        model_init_kwargs={"dtype": "float32"},
        use_cpu=not accelerated,
        bf16=accelerated,
        save_steps=config.save_every,
        save_total_limit=KEPT_CHECKPOINTS,
        logging_steps=1,
        # A loss that is not finite must be seen, not replaced by the mean of those before.
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )
