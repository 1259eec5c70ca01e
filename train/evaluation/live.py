"""The policy in the middle of its training: asked as it stands, and left as it was."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from pipelines.policies.checkpoint import AS_SAMPLED, MAX_ROWS, CheckpointPolicy
from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.record.canonical import Json, content_hash


class LivePolicy(CheckpointPolicy):
    """The weights of a run after one of its updates.

    Named by run and step and not by its weights: a run that was killed and redoes the step has
    the same samples in the same order behind it.
    """

    kind = "live"
    # Tensors that were made in inference mode, such as a cached position table, cannot be learned
    # through afterwards.
    no_gradients = torch.no_grad

    def __init__(
        self, model: Any, processor: Any, *, run_id: str, step: int, max_rows: int = MAX_ROWS
    ) -> None:
        # Nothing is loaded: the model is the trainer's own.
        self.name = f"{run_id[:12]} after {step}"
        self.run_id, self.step, self.max_rows = run_id, step, max_rows
        self.details: Mapping[str, Json] = {"run": run_id, "step": step}
        self.model, self.device = model, str(model.device)
        self.sees = type(model.config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        self.takes = frozenset({"image"} if self.sees else ())
        # Its own, since the trainer's may pad on the other side.
        self.processor = copy.deepcopy(processor)
        self.tokenizer = getattr(self.processor, "tokenizer", self.processor)
        self.tokenizer.padding_side = "left"

    @cached_property
    def policy_id(self) -> str:
        """Hash of the run and the step."""
        return content_hash(["live", self.run_id, self.step])

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> list[list[Completion]]:
        """Answer as a checkpoint of these weights would; training goes on as if nothing had been."""
        with as_asked(self.model):
            return super().sample(requests, sampling, seed)


@contextmanager
def as_asked(model: Any) -> Iterator[None]:
    """Set a model to answering, and afterwards each of its modules to what it was."""
    training = [module for module in model.modules() if module.training]
    settings = model.generation_config
    before = {name: getattr(settings, name, None) for name in AS_SAMPLED}
    model.eval()
    settings.update(**AS_SAMPLED)
    try:
        yield
    finally:
        settings.update(**before)
        for module in training:
            module.training = True
