"""The sets of a report: their rules, what each kept and dropped, and every row in its place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from flows.report.intake import rows
from flows.report.scope import FrozenSet
from pipelines.catalog.catalog import Connection
from pipelines.curation.counting import BEFORE_CANDIDATES, REASONS
from pipelines.curation.manifest import Manifest

# What has been withdrawn since stands in the version still, and has no place on a page.
_ROWS = """
select d.position, d.stage, d.padded, d.tries, d.pass_rate, s.task, s.guess_rate
from dataset_samples d join samples s using (sample_id)
where d.dataset = $dataset and d.version = $version order by d.position
"""
_MANIFEST = "select manifest from datasets where dataset = $dataset and version = $version"
_GONE = """
select count(*)::bigint as gone from dataset_samples anti join samples using (sample_id)
where dataset = $dataset and version = $version
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the plan, and how many samples it dropped."""

    name: str
    words: str
    dropped: int
    left: int
    """Samples that are still there after it."""
    before_candidates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts:
    """A dataset version."""

    version: FrozenSet
    manifest: Manifest
    rows: Sequence[dict[str, Any]]
    """In order: `position, stage, padded, tries, pass_rate, task, guess_rate, shown`, the last being
    the pass rate above guessing, where the plan measures so."""
    withdrawn_rows: int
    """Rows whose sample has been withdrawn since; they are not shown."""

    @property
    def rules(self) -> list[Rule]:
        """The rules that dropped something, in their order."""
        return list(self._rules())

    def _rules(self) -> Iterator[Rule]:
        left = self.manifest.counts.samples
        for name, words in REASONS.items():
            dropped = self.manifest.counts.dropped.get(name, 0)
            if dropped:
                left -= dropped
                yield Rule(name, words, dropped, left, name in BEFORE_CANDIDATES)

    @property
    def tasks(self) -> list[str]:
        """Its tasks, the most frequent first."""
        tally: dict[str, int] = {}
        for row in self.rows:
            tally[row["task"]] = tally.get(row["task"], 0) + 1
        return sorted(tally, key=lambda task: (-tally[task], task))

    def mean(self, start: float, end: float) -> float:
        """Give the mean of what is shown of the rows from one share of the order to another."""
        first, last = int(start * len(self.rows)), max(1, round(end * len(self.rows)))
        part = self.rows[min(first, len(self.rows) - 1) : last]
        return fmean(row["shown"] for row in part)


def read_sets(connection: Connection, sets: Sequence[FrozenSet]) -> list[SetFacts]:
    """Read the manifests and rows of versions, as the catalog holds them."""
    return [_facts(connection, one) for one in sets]


def _facts(connection: Connection, one: FrozenSet) -> SetFacts:
    named = {"dataset": one.dataset, "version": one.version}
    text = rows(connection, _MANIFEST, **named)[0]["manifest"]
    manifest = Manifest.model_validate_json(text)
    corrected = bool(manifest.plan["band"]["guess_correction"])
    placed = rows(connection, _ROWS, **named)
    for row in placed:
        guess = row["guess_rate"] if corrected else 0.0
        row["shown"] = max(0.0, (row["pass_rate"] - guess) / (1 - guess)) if guess < 1 else 0.0
    return SetFacts(
        version=one,
        manifest=manifest,
        rows=placed,
        withdrawn_rows=rows(connection, _GONE, **named)[0]["gone"],
    )
