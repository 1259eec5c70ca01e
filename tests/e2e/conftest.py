"""A tiny policy with a few warm-up steps: weak, but sometimes right."""

import fcntl
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def quick_policy(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Warmed up once, for all the processes that the tests run in."""
    from train.tiny import build_tiny
    from train.tiny.warm_up import demo_samples

    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "quick-policy"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            build_tiny(shared, list(demo_samples(0, size=170)), steps=16)
    return shared
