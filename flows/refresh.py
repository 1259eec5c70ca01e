"""Flow: the whole way of a sample, from corpora to a trained policy. The schedule runs this."""

from typing import Any

from prefect import flow

from flows.augment import augment
from flows.curate import curate
from flows.ingest import ingest
from flows.narration import log
from flows.orchestration import open_workspace
from flows.pages import write_page
from flows.score import score
from flows.settings import read_settings
from flows.train import train
from pipelines.workspace import WrongUse

STAGES = (
    ("corpora", "ingest", "Corpora come in", ingest),
    ("augment", "augment", "Views are made that keep their labels true", augment),
    ("score", "score", "The policy is asked", score),
    ("plans", "curate", "Samples are chosen and ordered", curate),
    ("train", "train", "GRPO trains on them", train),
)
"""The table of curricle.toml that asks for a stage, its name, what it does, and its flow."""


@flow(name="refresh", persist_result=False)
def refresh(workspace: str, stages: list[str] | None = None) -> dict[str, Any]:
    """Do what curricle.toml has a table for; what is done already is not done again.

    Where `stages` are given, only those of them.
    """
    asked = read_settings(open_workspace(workspace)).model_fields_set
    wanted = _known(stages)
    done: dict[str, Any] = {}
    for table, name, title, stage in STAGES:
        if table in asked and name in wanted:
            log.info("# %s", title)
            done[name] = stage(workspace)
    if about := _new(done):
        write_page(workspace, about)
    open_workspace(workspace).catalog.snapshot()
    return done


def _new(done: dict[str, Any]) -> list[str]:
    """Name the versions and runs that this refresh has made."""
    minted = [one for one in done.get("curate", []) if one["minted"]]
    runs = [one["run_id"] for one in done.get("train", []) if not one["found_done"]]
    return runs or [f"{one['dataset']}@{one['version']}" for one in minted]


def _known(stages: list[str] | None) -> set[str]:
    names = [name for _, name, _, _ in STAGES]
    if unknown := set(stages or []) - set(names):
        raise WrongUse(f"no stage {min(unknown)!r}; there are {', '.join(names)}")
    return set(names if stages is None else stages)
