"""Show the first records of a corpus as they would arrive, and keep nothing."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipelines.clean.media import Inspector
from pipelines.clean.screen import screened
from pipelines.confinement import alarm_after, confine
from pipelines.corpora.reading import Raw, made
from pipelines.corpora.registry import Corpus
from pipelines.engine import LocalEngine
from pipelines.record.media import MediaFacts
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject
from pipelines.rewards import grade, reference_completion

SECONDS = 60.0
"""Time that one record may take."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What became of one record."""

    ref: str
    lines: tuple[str, ...]
    rejected: bool = False


def explained(corpus: Corpus, root: Path | None, count: int) -> Iterator[Explained]:
    """Say what the first records become; they are looked at in a process that they may cost."""
    raw = corpus.read() if corpus.generated else corpus.read(root)
    batches = ([one] for one in islice(raw, count))
    for several in LocalEngine(1).map(_confined, batches, _lost):
        yield from several


def _confined(batch: Sequence[Raw]) -> list[Explained]:
    confine()
    alarm_after(SECONDS)
    try:
        return [_explained(record) for record in made(batch)]
    finally:
        alarm_after(0)


def _lost(raw: Raw, how: str) -> list[Explained]:
    ref = raw.source_ref if isinstance(raw, Sample | Reject) else raw.ref
    return [_rejected(Reject(raw.corpus, ref, "media", "broke_its_process", how))]


def _explained(record: Record) -> Explained:
    kept = record if isinstance(record, Reject) else screened(record)
    seen = kept if isinstance(kept, Reject) else Inspector().inspect(kept)
    if isinstance(seen, Reject):
        lines = _rejected(seen).lines
        shown = () if isinstance(record, Reject) else _shown(record)
        return Explained(seen.source_ref, (*shown, *lines), rejected=True)
    sample, facts = seen
    return Explained(sample.source_ref, (*_shown(sample), *map(_fact, facts), _check(sample)))


def _rejected(reject: Reject) -> Explained:
    why = f"rejected at {reject.stage}: {reject.reason}"
    return Explained(
        reject.source_ref, (f"{why} ({reject.detail})" if reject.detail else why,), rejected=True
    )


def _shown(sample: Sample) -> tuple[str, ...]:
    """Write a sample for people, each part on a line of its own; blocks stand in brackets."""
    lines = [f"task {sample.task}, split {sample.split}, licence {sample.licence or 'not said'}"]
    if sample.tags:
        lines.append(f"tags {', '.join(sample.tags)}")
    for message in sample.prompt:
        parts = (
            block.text if block.type == "text" else f"[{block.type}]" for block in message.content
        )
        lines += [f"{message.role}: {line}" for line in " ".join(parts).splitlines()]
    lines += [f"step {i}: {step}" for i, step in enumerate(sample.steps, start=1)]
    return (*lines, f"answer {json.dumps(sample.answer.as_json(), ensure_ascii=False)}")


def _fact(fact: MediaFacts) -> str:
    size = f"{fact.width} x {fact.height} pixels" if fact.width else ""
    length = f"{fact.seconds:.2f} s" if fact.seconds is not None else ""
    about = ", ".join(part for part in (size, length, f"{fact.bytes:,} bytes") if part)
    return f"{fact.kind} {fact.media_id[:12]}: {about}"


def _check(sample: Sample) -> str:
    completion = reference_completion(sample.answer)
    score = grade(sample.reference, completion)
    return f"reward of {completion!r}: {score.value:g} ({score.reason})"
