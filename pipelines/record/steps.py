"""Steps take a stream and give a stream; what a rule drops stays visible with its reason."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.record.sample import Sample


class Verdict(NamedTuple):
    """Whether a sample stays, and if not, why."""

    keep: bool
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that did not become a sample, or a sample that a rule dropped."""

    corpus: str
    source_ref: str
    stage: str
    """Where it was dropped: `read`, `media` or `screen`."""
    reason: str
    """A short name to count by, such as `no_answer`."""
    detail: str = ""


Record = Sample | Reject
Step = Callable[[Iterable[Record]], Iterable[Record]]
Rule = Callable[[Sample], Verdict]


def run(records: Iterable[Record], *steps: Step) -> Iterator[Record]:
    """Feed records through each step in turn, lazily."""
    for step in steps:
        records = step(records)
    yield from records


def keep_if(rule: Rule, *, stage: str) -> Step:
    """Turn a rule into a step: samples that fail it become rejects with its reason."""

    def step(records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            if isinstance(record, Reject):
                yield record
                continue
            verdict = rule(record)
            yield record if verdict.keep else reject(record, stage, verdict.reason, verdict.detail)

    return step


def reject(sample: Sample, stage: str, reason: str, detail: str = "") -> Reject:
    """Drop a sample, keeping where it came from."""
    return Reject(sample.corpus, sample.source_ref, stage, reason, detail)
