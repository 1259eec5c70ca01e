"""How our flows use Prefect: retries on tasks and never on flows, plain JSON results, quiet."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pipelines.workspace import Workspace

# Prefect puts the folder of a flow's file before all others, where our `flows/augment.py` would
# pass for the package `augment` in every process that is started from here.
sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]

from prefect import task  # noqa: E402

P = ParamSpec("P")
R = TypeVar("R")


def retried(function: Callable[P, R]) -> Any:
    """Make a task of a stage: tried again when the world failed, not when the person erred."""
    return task(
        retries=2,
        retry_delay_seconds=10,
        retry_condition_fn=_worth_another_try,
        persist_result=False,
    )(function)


def open_workspace(folder: str) -> Workspace:
    """Open the workspace that a flow was given."""
    return Workspace(Path(folder))


def _worth_another_try(_task: Any, _run: Any, state: Any) -> bool:
    from pipelines.workspace import Failed, WrongUse

    try:
        state.result()
    except (WrongUse, Failed):
        return False
    except Exception:
        return True
    return False
