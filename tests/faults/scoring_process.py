"""Scores and searches a workspace with a scripted policy, slowly enough to be killed meanwhile."""

import sys
import time
from pathlib import Path

from scripts import asker, filled, number_of

from pipelines.policies.policy import Request
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.scoring.search import SearchJob
from pipelines.scoring.tree import SearchRule
from pipelines.workspace import Workspace

SAMPLES = 48


def uneven(request: Request, k: int, seed: int) -> str:
    """Three steps of work and an answer that some questions get right now and then."""
    import numpy as np

    number = number_of(request)
    rng = np.random.default_rng([seed, k, number, len(request.prefix)])
    steps = [f"{number}, {rng.integers(3)}" for _ in range(3 - request.prefix.count("\n"))]
    right = rng.random() < number / (2 * SAMPLES)
    return "\n".join([*steps, f"={number + 1 if right else -7}"])


def score(root: Path) -> None:
    """Do all there is to do in a workspace."""
    workspace = Workspace(root, lock_timeout=20)
    ids = filled(workspace, SAMPLES)

    def slowly(request: Request, k: int, seed: int) -> str:
        time.sleep(0.0005)
        return uneven(request, k, seed)

    who = asker(workspace, slowly)
    print("begun", flush=True)
    PassRateJob(workspace.catalog, who, StoppingRule(), batch=8).run(ids)
    SearchJob(workspace.catalog, who, SearchRule(iterations=8), batch=16).run(ids)


if __name__ == "__main__":
    score(Path(sys.argv[1]))
