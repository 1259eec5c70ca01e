"""The manual's examples are settings, and each source has one."""

import re
import tomllib
from pathlib import Path

from pools_and_learners import SOURCES, mixed_pool

from train.config import TrainConfig
from train.curricula.make import make_order

MANUAL = (Path(__file__).parents[3] / "docs" / "curricula.md").read_text()


def test_each_source_has_an_example_that_makes_an_order() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    runs = [TrainConfig.model_validate(tomllib.loads(block)["train"][0]) for block in blocks]
    assert [run.curriculum.by for run in runs][1:] == list(SOURCES)
    for run in runs:
        make_order(run.curriculum, mixed_pool(), batches=10, seed=0).next_batch(4)
