"""One workspace and its page for all tests of the report."""

import shutil
from pathlib import Path

import pytest
from parsed_page import Parsed, parsed
from small_report import world

from flows.report.making import make_report
from pipelines.workspace import Workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that tests read and leave as it is."""
    return world(tmp_path_factory.mktemp("report") / "workspace")


@pytest.fixture(scope="session")
def page(made: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about its newest set."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    make_report(made, [], output=path, curves=False)
    return path


@pytest.fixture(scope="session")
def shown(page: Path) -> Parsed:
    """The page, parsed."""
    return parsed(page)


@pytest.fixture
def copied(made: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may spoil."""
    return Workspace(shutil.copytree(made.root, tmp_path / "copy"), lock_timeout=20)
