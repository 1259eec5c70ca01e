"""From records as they lie in a corpus to rows of the catalog: made, screened, decoded, hashed.

Ingest does this to each batch of somebody else's records in a process that may die of it: its
memory is limited, and so is the time that one record may take.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pipelines.catalog.rows import Rows, rows_of
from pipelines.clean.media import Inspected, Inspector
from pipelines.clean.screen import screened
from pipelines.confinement import alarm_after, confine
from pipelines.corpora.reading import Raw, made
from pipelines.record.media import MediaFacts, MediaStore
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject, reject

SECONDS = 60.0
"""Time that one record may take, its media included."""


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
    return _rows(walk, batch, lambda _seconds: None)


def examine_confined(walk: Pass, batch: Sequence[Raw]) -> Rows:
    """Do the same in a process that this may cost: one that takes too long or too much dies."""
    confine()
    try:
        return _rows(walk, batch, alarm_after)
    finally:
        alarm_after(0)


def unexaminable(raw: Raw, how: str) -> Rows:
    """Make the reject of a record that broke the process it was examined in."""
    return rows_of((), rejects=[Reject(raw.corpus, _ref(raw), "media", "broke_its_process", how)])


def _rows(walk: Pass, batch: Sequence[Raw], alarm: Callable[[float], None]) -> Rows:
    samples: list[Sample] = []
    facts: dict[str, MediaFacts] = {}
    rejects: list[Reject] = []
    inspector = _inspector(walk)
    for raw in batch:
        alarm(SECONDS)
        for seen in _inspected(walk, raw, inspector):
            if isinstance(seen, Reject):
                rejects.append(seen)
            else:
                samples.append(seen[0])
                facts.update((fact.media_id, fact) for fact in seen[1])
    return rows_of(samples, list(facts.values()), rejects, revision=walk.revision)


def _inspected(walk: Pass, raw: Raw, inspector: Inspector) -> Iterator[Inspected]:
    try:
        for record in made([raw]):
            yield _looked_at(walk, record, inspector)
    except MemoryError:
        yield Reject(raw.corpus, _ref(raw), "read", "takes_too_much_memory", "more than there is")


def _looked_at(walk: Pass, record: Record, inspector: Inspector) -> Inspected:
    record = record if isinstance(record, Reject) else screened(record)
    if isinstance(record, Reject):
        return record
    if record.question_id in walk.withdrawn:
        return reject(record, "screen", "withdrawn", "it was removed for good")
    return inspector.inspect(record)


def _ref(raw: Raw) -> str:
    return raw.source_ref if isinstance(raw, Sample | Reject) else raw.ref


@lru_cache(maxsize=1)
def _inspector(walk: Pass) -> Inspector:
    """What was seen in this pass need not be decoded again; in the next one it may be gone."""
    return Inspector(MediaStore(walk.media).put)
