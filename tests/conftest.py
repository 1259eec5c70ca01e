"""What many tests share: a workspace, and samples to put in it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.catalog import Catalog
from pipelines.catalog.lock import workspace_lock
from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace

library_defaults()
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session", autouse=True)
def catalogs_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Copy an empty catalog in the place of making one: a thousand tests begin with it, and each
    would take a quarter of a second of processor time.
    """
    make, made = Catalog._make, tmp_path_factory.mktemp("catalog") / "catalog.duckdb"

    def copy(catalog: Catalog) -> None:
        if not made.exists():
            make(catalog)
            shutil.copyfile(catalog.path, made)
            return
        catalog.workspace.mkdir(parents=True, exist_ok=True)
        catalog.refuse_loss()
        with workspace_lock(catalog.lock_folder, exclusive=True, timeout=catalog.lock_timeout):
            if not catalog.path.exists():
                shutil.copyfile(made, catalog.path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Catalog, "_make", copy)
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", lock_timeout=20)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pictures and eight sums with evidence, and the pictures frozen with their control."""
    from small_catalog import a_plan, add, picture_question, sum_question, tried

    from pipelines.curation.curate import curate

    workspace = Workspace(tmp_path_factory.mktemp("sound") / "workspace", lock_timeout=20)
    samples = [*map(picture_question, range(8)), *map(sum_question, range(8))]
    add(workspace, samples)
    tried(workspace, {sample.sample_id: 4 for sample in samples})
    curate(workspace, a_plan(where="corpus = 'digits'", order={"prompts_per_step": 2}))
    workspace.catalog.snapshot()
    return workspace.root


@pytest.fixture
def sound(made_once: Path, tmp_path: Path) -> Workspace:
    """A copy of that workspace, in which all is well, to be broken."""
    shutil.copytree(made_once, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace", lock_timeout=20)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary server with a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    from flows import orchestration  # noqa: F401 - its settings come before Prefect's

    with prefect_test_harness(server_startup_timeout=120):
        yield
