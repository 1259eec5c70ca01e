"""Flow: bring every corpus of the workspace in."""

from typing import Any

from prefect import flow

from flows import stages
from flows.artifacts import leave_table
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.settings import CorpusSettings, EngineSettings, read_settings
from flows.summaries import cleaned, ingested, record


@retried
def ingest_corpus(
    workspace: str, corpus: dict[str, Any], engine: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Bring one corpus in."""
    summary = stages.ingest(
        open_workspace(workspace),
        CorpusSettings.model_validate(corpus),
        progress,
        engine=EngineSettings.model_validate(engine or {}),
    )
    say(ingested(summary))
    return record(summary)


@retried
def clean_catalog(workspace: str) -> dict[str, Any]:
    """Find what repeats, contradicts or leaks."""
    summary = stages.clean(open_workspace(workspace), progress)
    say(cleaned(summary))
    return record(summary)


@flow(name="ingest", persist_result=False)
def ingest(workspace: str) -> list[dict[str, Any]]:
    """Bring in every corpus that curricle.toml names, and look for what repeats or leaks."""
    settings = read_settings(open_workspace(workspace))
    engine = settings.engine.model_dump(mode="json")
    done = [ingest_corpus(workspace, c.model_dump(mode="json"), engine) for c in settings.corpora]
    found = clean_catalog(workspace)
    leave_table("ingest", done, "What each corpus brought, and what was rejected.")
    leave_table("clean", [found], "What repeats, contradicts or leaks.")
    return done
