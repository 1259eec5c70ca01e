"""One small world for all training tests, and one run in it that went undisturbed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_world import Trained, filled, freeze, settings, use_early_letters, vision_policy

from pipelines.workspace import Workspace
from train.launch import train


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy that training starts from."""
    return vision_policy(tmp_path_factory.mktemp("start") / "policy")


@pytest.fixture(scope="session")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a frozen dataset, to be copied."""
    with use_early_letters():
        workspace = filled(tmp_path_factory.mktemp("curated") / "workspace")
    freeze(workspace)
    return workspace.root


@pytest.fixture
def fresh(curated: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the curated workspace of a test's own."""
    with use_early_letters():
        yield Workspace(shutil.copytree(curated, tmp_path / "workspace"), lock_timeout=20)


@pytest.fixture(scope="session")
def trained(curated: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run over a bit more than one pass. Tests read it and leave it as it is."""
    root = shutil.copytree(curated, tmp_path_factory.mktemp("trained") / "workspace")
    workspace, config = Workspace(root, lock_timeout=20), settings(start)
    with use_early_letters():
        return Trained(workspace, config, train(workspace, config))


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Iterator[Trained]:
    """A copy of the finished run that a test may spoil."""
    root = shutil.copytree(trained.workspace.root, tmp_path / "copy")
    with use_early_letters():
        yield Trained(Workspace(root, lock_timeout=20), trained.config, trained.result)
