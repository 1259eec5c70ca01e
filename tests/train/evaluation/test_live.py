"""Measured in the middle of training: as a checkpoint would be, and nothing is disturbed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_world import Trained, settings

from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.policy import Request, Sampling
from pipelines.policies.templates import TEMPLATES
from pipelines.rewards import BY_KIND as SUITE_GRADING
from train.config import TrainConfig
from train.evaluation.live import LivePolicy
from train.evaluation.settings import EvaluationSettings
from train.evaluation.suite import Suite, in_course, suite_of
from train.runs import Run

ASK = Request([{"role": "user", "content": [{"type": "text", "text": "say?"}]}], n=3)
SAMPLING = Sampling(max_tokens=5)


def state(model: Any) -> tuple[Any, ...]:
    """Everything of a model and of the process that a measurement might disturb."""
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    return weights, modes, model.generation_config.to_dict(), torch.random.get_rng_state()


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def test_it_answers_as_a_checkpoint_of_its_weights_and_leaves_all_as_it_was(start: Path) -> None:
    policy = CheckpointPolicy(start)
    said = policy.sample([ASK], SAMPLING, seed=3)
    model = policy.model.train()
    model.lm_head.eval()  # a part that is not trained
    model.generation_config.repetition_penalty = 1.5
    before = state(model)
    live = LivePolicy(model, policy.processor, run_id="run", step=4)
    assert live.sample([ASK], SAMPLING, seed=3) == said
    assert live.takes == policy.takes
    assert same(before, state(model))
    inputs = policy.encode([ASK])
    model(**inputs, labels=inputs["input_ids"]).loss.backward()


def test_it_is_named_by_run_and_step(start: Path) -> None:
    policy = CheckpointPolicy(start)
    ids = {
        LivePolicy(policy.model, policy.processor, run_id=run, step=step).policy_id
        for run, step in [("a", 1), ("a", 2), ("b", 1), ("a", 1)]
    }
    assert len(ids) == 3


def suite_for(copied: Trained, **evaluation: Any) -> tuple[Suite, Run]:
    config: TrainConfig = settings(
        Path(copied.config.policy), evaluation=EvaluationSettings(**evaluation)
    )
    known = copied.workspace.catalog.rows("select policy_id from runs")[0]
    run = Run(
        dataset="say",
        version=1,
        manifest_hash="",
        policy_id=known["policy_id"],
        template=TEMPLATES["plain"],
        config=config,
        root=copied.workspace.runs,
    )
    return suite_of(copied.workspace, run, SUITE_GRADING), run


def test_a_run_is_measured_on_the_way_where_it_is_time(copied: Trained) -> None:
    sets = ("held-out", "noisy", "blind")
    suite, run = suite_for(copied, sets=sets, every=4)
    policy = CheckpointPolicy(copied.config.policy)
    trainer = SimpleNamespace(
        state=SimpleNamespace(max_steps=12),
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
        model=policy.model,
        processing_class=policy.processor,
    )
    measure = in_course(suite, run, trainer)
    assert [bool(measure(step)) for step in (1, 4, 12)] == [False, True, False]
    found = measure(4)
    assert tuple(found) == (*sets, "held-out with media")
    rows = copied.workspace.catalog.rows(
        "select distinct step, policy_version from rollouts join policies using (policy_id) "
        "where purpose = 'eval' and kind = 'live'"
    )
    assert rows == [{"step": 4, "policy_version": 4}]
    # Asked once: the same step is read back, whatever the weights have become.
    trainer.model = None
    trainer.accelerator.unwrap_model = lambda _: policy.model.apply(_spoiled)
    assert measure(4) == found


def _spoiled(module: Any) -> None:
    for weight in module.parameters(recurse=False):
        torch.nn.init.zeros_(weight)


def test_before_and_after_are_loaded_only_where_something_is_new(
    copied: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite, _ = suite_for(copied, sets=("held-out", "blind"))
    found = suite.measure_folder(Path(copied.config.policy), "start")
    assert set(found) == {"held-out", "blind"}
    # What the run itself measured is the same question.
    assert found["held-out"] == copied.result.before
    monkeypatch.setattr("train.evaluation.suite.CheckpointPolicy", None)
    assert suite.measure_folder(Path(copied.config.policy), "start") == found
