"""From a corpus to the catalog: read, screen, look at the media, keep; what is dropped is kept too.

Content ids make it idempotent: the same corpus again, renamed or re-ordered, adds nothing, and
a killed ingest is finished by running it again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.ledger import append_new
from pipelines.catalog.samples import add_rejects, add_samples
from pipelines.clean.media import Inspected, inspect_media
from pipelines.clean.screen import SCREEN
from pipelines.corpora.registry import Corpus
from pipelines.record.canonical import canonical_json
from pipelines.record.evidence import ImportedRollout
from pipelines.record.steps import Reject, keep_if, run
from pipelines.scoring.imported import keep_outcomes
from pipelines.workspace import Progress, Workspace, WrongUse, silent

BATCH = 1000
"""Samples per burst of writing."""

T = TypeVar("T")


@dataclass(slots=True)
class IngestSummary:
    """What came in and what did not."""

    corpus: str
    read: int = 0
    new: int = 0
    """Samples that were not in the catalog before."""
    known: int = 0
    """Samples that were there already, from this corpus or another."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Records that were dropped, by `stage: reason`."""
    evidence: int = 0
    """Rollouts of other policies that the corpus brought and that were not there before."""


def ingest(
    workspace: Workspace,
    corpus: Corpus,
    root: Path | None = None,
    *,
    options: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> IngestSummary:
    """Bring one corpus in. `root` is its folder; a generated corpus takes `options` instead.

    Raises WrongUse when a corpus that is read has no folder or one that is made has one, and CorpusError when it holds none.
    """
    if root is None and not corpus.generated:
        raise WrongUse(f"corpus {corpus.name!r} is read from a folder; give its path")
    if root is not None and corpus.generated:
        raise WrongUse(f"corpus {corpus.name!r} is made on the spot; give it no path")
    options = options or {}
    records = corpus.read(**options) if corpus.generated else corpus.read(root)
    screened = run(records, *(keep_if(rule, stage="screen") for rule in SCREEN))
    summary = IngestSummary(corpus.name)
    rejected: Counter[str] = Counter()
    stream = inspect_media(screened, keep=workspace.media.put)
    for batch in _batches(stream, BATCH):
        with workspace.catalog.write() as connection:
            if not summary.read:
                _note_corpus(connection, corpus, options)
            _keep(connection, batch, summary, rejected)
        progress("records", summary.read, None)
    if not summary.read:
        raise WrongUse(f"{root or corpus.name} holds no record of corpus {corpus.name!r}")
    summary.rejected = dict(rejected.most_common())
    if corpus.evidence is not None and root is not None:
        for outcomes in _batches(corpus.evidence(root), BATCH):
            _keep_outcomes(workspace, outcomes, summary, rejected)
            progress("outcomes of other policies", summary.evidence, None)
        summary.rejected = dict(rejected.most_common())
    with workspace.catalog.write() as connection:
        connection.execute("update corpora set complete = true where corpus = ?", [corpus.name])
    return summary


def _keep(
    connection: Connection, batch: list[Inspected], summary: IngestSummary, rejected: Counter[str]
) -> None:
    rejects = [item for item in batch if isinstance(item, Reject)]
    kept = [item for item in batch if not isinstance(item, Reject)]
    facts = {fact.media_id: fact for _, seen in kept for fact in seen}
    new = add_samples(connection, [sample for sample, _ in kept], list(facts.values()))
    add_rejects(connection, rejects)
    rejected.update(f"{r.stage}: {r.reason}" for r in rejects)
    summary.read += len(batch)
    summary.new += new
    summary.known += len(kept) - new


def _keep_outcomes(
    workspace: Workspace,
    outcomes: list[ImportedRollout | Reject],
    summary: IngestSummary,
    rejected: Counter[str],
) -> None:
    rejects = [item for item in outcomes if isinstance(item, Reject)]
    given = [item for item in outcomes if not isinstance(item, Reject)]
    rejected.update(f"{r.stage}: {r.reason}" for r in rejects)
    with workspace.catalog.write() as connection:
        add_rejects(connection, rejects)
        summary.evidence += keep_outcomes(connection, given)


def _note_corpus(connection: Connection, corpus: Corpus, options: dict[str, Any]) -> None:
    row = {
        "corpus": corpus.name,
        "title": corpus.title,
        "licence": corpus.licence,
        "homepage": corpus.homepage,
        "revision": "",
        "options": canonical_json(options),
        "complete": False,
        "ingested_at": now(),
    }
    connection.execute("delete from corpora where corpus = ?", [corpus.name])
    append_new(connection, "corpora", pa.Table.from_pylist([row]), key="corpus")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
