"""What many tests share: a workspace, and samples to put in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace

library_defaults()
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", lock_timeout=20)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary server with a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    from flows import orchestration  # noqa: F401 - its settings come before Prefect's

    with prefect_test_harness(server_startup_timeout=120):
        yield
