"""Our settings in TRL's words."""

from pathlib import Path
from typing import Any

import torch
from trl.trainer.grpo_config import GRPOConfig

from pipelines.workspace import WrongUse
from train.config import TrainConfig

KEPT_CHECKPOINTS = 2
"""One may be half written when the run is killed."""


def trl_settings(
    config: TrainConfig, folder: Path, steps: int, *, processes: int = 1
) -> GRPOConfig:
    """Say our settings in TRL's words. Raises WrongUse for batches that cannot be cut so.

    One batch of answers is drawn per update (`steps_per_generation` is left to equal the
    accumulation steps), so that a checkpoint never lies inside a generation.
    """
    accelerated = torch.cuda.is_available()
    if config.prompts_per_step % processes:
        raise WrongUse(
            f"prompts_per_step = {config.prompts_per_step} cannot be shared by {processes} "
            "processes; use a multiple of them"
        )
    answers = config.prompts_per_step * config.num_generations // processes
    per_forward = config.micro_batch or answers
    if answers % per_forward:
        raise WrongUse(
            f"micro_batch = {per_forward} does not divide the {answers} answers of a process's step"
        )
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
        epsilon=config.epsilon,
        epsilon_high=config.epsilon_high,
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
        **_engine(config),
    )


def adapter(config: TrainConfig) -> Any:
    """The LoRA adapter to train in the place of all weights; None where none is wanted."""
    if config.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=0.0,  # a dropout would make a resumed run another one
        target_modules=config.lora.targets,
        task_type="CAUSAL_LM",
    )


def _engine(config: TrainConfig) -> dict[str, Any]:
    """Who draws the answers: the trainer itself, or vLLM."""
    vllm = config.vllm
    if vllm is None:
        return {}
    if vllm.mode == "colocate":
        return {
            "use_vllm": True,
            "vllm_mode": "colocate",
            "vllm_gpu_memory_utilization": vllm.memory,
            "vllm_tensor_parallel_size": vllm.tensor_parallel,
        }
    return {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": vllm.url}
