"""A trained policy as a folder that `transformers` loads."""

from pathlib import Path
from typing import Any


def save_policy(trainer: Any, folder: Path) -> None:
    """Write the weights with their processor; an adapter is merged into the weights first."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
        model.save_pretrained(folder)
        trainer.processing_class.save_pretrained(folder)
    else:
        trainer.save_model(str(folder))
