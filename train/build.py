"""From a run's settings to its trainer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from accelerate.utils import gather_object
from transformers.trainer_callback import PrinterCallback

from pipelines.policies.templates import chat_options
from pipelines.rewards import BY_KIND, Grading
from train.config import TrainConfig
from train.curricula.fixed import batches_of_a_pass
from train.curricula.make import make_order
from train.curricula.order import Pool
from train.data import CuratedRows, pool_of
from train.replay import ReplayBuffer
from train.rewards import TrainingReward
from train.sampler import CuratedSampler
from train.shaping.complexity import Complexities
from train.shaping.shaper import Shaper
from train.shaping.shaping import Shaping
from train.step import Group
from train.trainer import CuratedTrainer, Methods
from train.trl_settings import adapter, trl_settings


def steps_of(config: TrainConfig, pool: Pool) -> int:
    """Updates that a run makes."""
    per_pass = batches_of_a_pass(pool, config.prompts_per_step, config.curriculum.passes)
    return config.max_steps or config.passes * per_pass


def build_trainer(
    config: TrainConfig,
    source: Path,
    processor: Any,
    rows: CuratedRows,
    *,
    folder: Path,
    seed_of: Callable[[int], int],
    tell: Callable[[Sequence[Group]], None],
    grading: Grading = BY_KIND,
    processes: int = 1,
) -> CuratedTrainer:
    """Make the trainer of a run over the weights in `source`, in full precision.

    Raises WrongUse for settings that do not go together.
    """
    pool = pool_of(rows.rows)
    steps = steps_of(config, pool)
    settings = trl_settings(config, folder, steps, processes=processes)
    tokenizer = getattr(processor, "tokenizer", processor)
    chat = getattr(processor, "chat_template", None) or tokenizer.chat_template or ""
    settings.chat_template_kwargs = chat_options([rows.template, *rows.of_task.values()], str(chat))
    order = CuratedSampler(
        rows,
        make_order(config.curriculum, pool, batches=steps, seed=config.seed),
        group=config.num_generations,
        prompts=config.prompts_per_step,
        batches=steps,
        repeats=settings.steps_per_generation or 1,
    )
    buffer = ReplayBuffer(config.replay, config.seed) if config.replay else None
    trainer = CuratedTrainer(
        rows=rows,
        order=order,
        reward=TrainingReward(grading, strict=True),
        seed_of=seed_of,
        tell=tell,
        methods=Methods(refill=config.refill, replay=buffer, noisy=config.noisy),
        model=str(source),
        args=settings,
        processing_class=processor,
        peft_config=adapter(config),
    )
    trainer.remove_callback(PrinterCallback)
    if Shaping(config.shaping).on:
        trainer.reward.shaper = _shaper(config, rows, trainer)
    return trainer


def _shaper(config: TrainConfig, rows: CuratedRows, trainer: CuratedTrainer) -> Shaper:
    complexities = Complexities(rows.read)
    return Shaper(
        shaping=Shaping(config.shaping),
        group=config.num_generations,
        max_tokens=config.max_tokens,
        ends=frozenset(trainer.eos_token_ids),
        complexity_of=lambda row: complexities.of(rows.rows[row].sample),
        gather=gather_object,
        rank=trainer.accelerator.process_index,
    )
