"""Flow: bring every corpus of the workspace in."""

from typing import Any

from prefect import flow

from flows import stages
from flows.narration import progress, say
from flows.orchestration import open_workspace, retried
from flows.settings import CorpusSettings, read_settings
from flows.summaries import ingested, record


@retried
def ingest_corpus(workspace: str, corpus: dict[str, Any]) -> dict[str, Any]:
    """Bring one corpus in."""
    settings = CorpusSettings.model_validate(corpus)
    summary = stages.ingest(open_workspace(workspace), settings, progress)
    say(ingested(summary))
    return record(summary)


@flow(name="ingest", persist_result=False)
def ingest(workspace: str) -> list[dict[str, Any]]:
    """Bring in every corpus that curricle.toml names."""
    settings = read_settings(open_workspace(workspace))
    return [ingest_corpus(workspace, c.model_dump(mode="json")) for c in settings.corpora]
