"""TRL itself trains on an export, in its order."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from small_world import use_early_letters
from transformers import AutoProcessor
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from pipelines.curation.export import export
from pipelines.workspace import Workspace

PROMPTS, ANSWERS = 2, 2


def reward_beside(folder: Path) -> Any:
    """The reward function that stands beside the rows."""
    spec = importlib.util.spec_from_file_location("exported_reward", folder / "reward.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.reward


@pytest.mark.parametrize("form", ["paths", "embedded"])
def test_trl_takes_two_steps_in_the_exported_order(
    curated: Path, start: Path, tmp_path: Path, form: Any
) -> None:
    export(Workspace(curated, lock_timeout=20), "say", "trl", tmp_path / "out", media=form)
    rows = load_dataset("parquet", data_files=str(tmp_path / "out/train.parquet"), split="train")
    reward, seen = reward_beside(tmp_path / "out"), []

    def watched(completions: Any, position: list[int], **columns: Any) -> list[float]:
        seen.append(position[::ANSWERS])
        values: list[float] = reward(completions, **columns)
        return values

    trainer = GRPOTrainer(
        model=str(start),
        reward_funcs=watched,
        processing_class=AutoProcessor.from_pretrained(start),
        train_dataset=rows,
        args=GRPOConfig(
            output_dir=str(tmp_path / "run"),
            per_device_train_batch_size=PROMPTS * ANSWERS,
            num_generations=ANSWERS,
            max_completion_length=4,
            max_steps=2,
            shuffle_dataset=False,
            use_cpu=True,
            bf16=False,
            report_to="none",
            save_strategy="no",
            model_init_kwargs={"dtype": "float32"},
            disable_tqdm=True,
        ),
    )
    with use_early_letters():
        trainer.train()
    assert seen == [[0, 1], [2, 3]]
    assert trainer.state.global_step == 2
