"""Flow: the whole way of a sample, from corpora to a trained policy. The schedule runs this."""

from typing import Any

from prefect import flow

from flows.augment import augment
from flows.curate import curate
from flows.ingest import ingest
from flows.narration import log
from flows.orchestration import open_workspace
from flows.score import score
from flows.settings import read_settings
from flows.train import train

STAGES = (
    ("corpora", "ingest", "Corpora come in", ingest),
    ("augment", "augment", "Views are made that keep their labels true", augment),
    ("score", "score", "The policy is asked", score),
    ("plans", "curate", "Samples are chosen and ordered", curate),
    ("train", "train", "GRPO trains on them", train),
)
"""The table of curricle.toml that asks for a stage, its name, what it does, and its flow."""


@flow(name="refresh", persist_result=False)
def refresh(workspace: str) -> dict[str, Any]:
    """Do what curricle.toml has a table for; what is done already is not done again."""
    asked = read_settings(open_workspace(workspace)).model_fields_set
    done: dict[str, Any] = {}
    for table, name, title, stage in STAGES:
        if table in asked:
            log.info("# %s", title)
            done[name] = stage(workspace)
    open_workspace(workspace).catalog.snapshot()
    return done
