"""A tiny policy with a few warm-up steps: weak, but sometimes right."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def quick_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from train.tiny import build_tiny
    from train.tiny.warm_up import demo_samples

    lessons = list(demo_samples(0, size=170))
    return build_tiny(tmp_path_factory.mktemp("policy") / "quick", lessons, steps=16)
