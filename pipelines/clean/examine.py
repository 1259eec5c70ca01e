"""From records as they lie in a corpus to rows of the catalog: made, screened, decoded, hashed.

Ingest does this to each batch in a process that may die of it: its memory is limited, and so is
the time that one record may take.
"""

import resource
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pipelines.catalog.samples import Rows, rows_of
from pipelines.clean.media import Inspected, Inspector
from pipelines.clean.screen import SCREEN
from pipelines.corpora.reading import Raw, made
from pipelines.record.media import MediaFacts, MediaStore
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject, keep_if, reject, run

MEMORY = 4 * 2**30
"""Bytes that a process may take for the records that it examines."""
SECONDS = 60.0
"""Time that one record may take, its media included."""

_RULES = tuple(keep_if(rule, stage="screen") for rule in SCREEN)


@dataclass(frozen=True, slots=True)
class Pass:
    """One walk through a corpus."""

    pass_id: str
    media: Path
    """Root of the media store."""
    revision: str = ""
    withdrawn: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    """Questions that were removed for good and may not come back."""


def examine(walk: Pass, batch: Sequence[Raw]) -> Rows:
    """Turn a batch into rows; its good media are kept in the store."""
    _limit_memory()
    samples: list[Sample] = []
    facts: dict[str, MediaFacts] = {}
    rejects: list[Reject] = []
    for seen in _inspected(walk, batch):
        if isinstance(seen, Reject):
            rejects.append(seen)
        else:
            samples.append(seen[0])
            facts.update((fact.media_id, fact) for fact in seen[1])
    return rows_of(samples, list(facts.values()), rejects, revision=walk.revision)


def unexaminable(raw: Raw, how: str) -> Rows:
    """Make the reject of a record that broke the process it was examined in."""
    ref = raw.ref if not isinstance(raw, Sample | Reject) else raw.source_ref
    return rows_of((), rejects=[Reject(raw.corpus, ref, "media", "broke_its_process", how)])


def _inspected(walk: Pass, batch: Sequence[Raw]) -> Iterator[Inspected]:
    inspector = _inspector(walk)
    for raw in batch:
        with _time_limit(SECONDS):
            for record in run(made([raw]), *_RULES):
                yield _looked_at(walk, record, inspector)


def _looked_at(walk: Pass, record: Record, inspector: Inspector) -> Inspected:
    if isinstance(record, Reject):
        return record
    if record.question_id in walk.withdrawn:
        return reject(record, "screen", "withdrawn", "it was removed for good")
    return inspector.inspect(record)


@lru_cache(maxsize=1)
def _inspector(walk: Pass) -> Inspector:
    """What was seen in this pass need not be decoded again; in the next one it may be gone."""
    return Inspector(MediaStore(walk.media).put)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """End this process when the time is up: nothing else stops a decoder that hangs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@lru_cache(maxsize=1)
def _limit_memory() -> None:
    """Limit what this process may take on top of what it has."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
