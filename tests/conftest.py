"""What many tests share: a workspace, and samples to put in it."""

import os
from pathlib import Path

import pytest

from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace

library_defaults()
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", lock_timeout=20)
