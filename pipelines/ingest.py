"""From a corpus to the catalog: read, screen, look at the media, keep; what is dropped is kept too.

Content ids make it idempotent: the same corpus again, renamed or re-ordered, adds nothing, and
a killed ingest is finished by running it again.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.ledger import append_new
from pipelines.catalog.rows import Rows
from pipelines.catalog.samples import add_rejects, add_rows
from pipelines.clean.examine import Pass, examine, examine_confined, unexaminable
from pipelines.corpora.registry import Corpus
from pipelines.engine import Engine, Here, LocalEngine
from pipelines.record.canonical import canonical_json
from pipelines.record.evidence import ImportedRollout
from pipelines.record.steps import Reject
from pipelines.revisions import KnownCorpus, known_corpus, settle
from pipelines.scoring.imported import keep_outcomes
from pipelines.withdrawal import withdrawn_questions
from pipelines.workspace import Progress, Workspace, WrongUse, silent

BATCH = 250
"""Records that are examined together."""
BURST = 4000
"""Records per burst of writing."""

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
    superseded: int = 0
    """Records that a new revision has changed."""
    withdrawn: int = 0
    """Records that a new revision no longer has."""


def ingest(
    workspace: Workspace,
    corpus: Corpus,
    root: Path | None = None,
    *,
    options: dict[str, Any] | None = None,
    revision: str = "",
    benchmark: bool = False,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> IngestSummary:
    """Bring one corpus in. `root` is its folder; a generated corpus takes `options` instead.

    Without a `revision`, what is read is added. With a new one, this is all that the corpus
    holds from now on: records that it changed are superseded, those it dropped are withdrawn.
    Raises WrongUse when a corpus that is read has no folder or one that is made has one, and
    CorpusError when it holds none.
    """
    if root is None and not corpus.generated:
        raise WrongUse(f"corpus {corpus.name!r} is read from a folder; give its path")
    if root is not None and corpus.generated:
        raise WrongUse(f"corpus {corpus.name!r} is made on the spot; give it no path")
    options = options or {}
    records = corpus.read(**options) if corpus.generated else corpus.read(root)
    summary, rejected = IngestSummary(corpus.name), Counter[str]()
    workspace.media.sweep()
    with workspace.catalog.read() as connection:
        known, gone = known_corpus(connection, corpus.name), withdrawn_questions(connection)
    walk = Pass(uuid.uuid4().hex, workspace.media.root, revision or known.revision, gone)
    seen: list[pa.Table] = []
    # What we made ourselves needs no process that it may cost.
    engine, work = (
        (Here(), examine) if corpus.generated else (engine or LocalEngine(), examine_confined)
    )
    rows = engine.map(partial(work, walk), _batches(records, BATCH), unexaminable)
    for burst in _bursts(rows):
        with workspace.catalog.write() as connection:
            if not summary.read:
                _note_corpus(connection, corpus, options, known, benchmark=benchmark)
            _keep(connection, burst, summary, rejected)
        seen.append(burst.sources.select(["source_ref", "sample_id"]))
        progress("records", summary.read, None)
    if not summary.read:
        raise WrongUse(f"{root or corpus.name} holds no record of corpus {corpus.name!r}")
    summary.rejected = dict(rejected.most_common())
    if corpus.evidence is not None and root is not None:
        for outcomes in _batches(corpus.evidence(root), BURST):
            _keep_outcomes(workspace, outcomes, summary, rejected)
            progress("outcomes of other policies", summary.evidence, None)
        summary.rejected = dict(rejected.most_common())
    with workspace.catalog.write() as connection:
        ended = settle(connection, corpus.name, revision, pa.concat_tables(seen), summary.read)
        summary.superseded, summary.withdrawn = ended
    return summary


def _bursts(rows: Iterable[Rows]) -> Iterator[Rows]:
    """Put the rows of several batches together: a burst costs as much for few as for many."""
    held: list[Rows] = []
    for one in rows:
        held.append(one)
        if sum(each.read for each in held) >= BURST:
            yield Rows.together(held)
            held = []
    if held:
        yield Rows.together(held)


def _keep(
    connection: Connection, rows: Rows, summary: IngestSummary, rejected: Counter[str]
) -> None:
    new = add_rows(connection, rows)
    _lift_quarantine(connection, rows)
    rejected.update(
        f"{stage}: {reason}"
        for stage, reason in zip(
            rows.rejects.column("stage").to_pylist(),
            rows.rejects.column("reason").to_pylist(),
            strict=True,
        )
    )
    summary.read += rows.read
    summary.new += new
    summary.known += rows.samples.num_rows - new


def _lift_quarantine(connection: Connection, rows: Rows) -> None:
    """Let samples be chosen again whose media have just been put into the store, whole."""
    connection.register("seen_media", rows.sample_media)
    connection.execute("delete from quarantine where media_id in (select media_id from seen_media)")
    connection.unregister("seen_media")


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


def _note_corpus(
    connection: Connection,
    corpus: Corpus,
    options: dict[str, Any],
    known: KnownCorpus,
    *,
    benchmark: bool,
) -> None:
    row = {
        "corpus": corpus.name,
        "title": corpus.title,
        "licence": corpus.licence,
        "homepage": corpus.homepage,
        "revision": known.revision,
        "options": canonical_json(options),
        "complete": False,
        "ingested_at": now(),
        "benchmark": benchmark or known.benchmark,
    }
    connection.execute("delete from corpora where corpus = ?", [corpus.name])
    append_new(connection, "corpora", pa.Table.from_pylist([row]), key="corpus")


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
