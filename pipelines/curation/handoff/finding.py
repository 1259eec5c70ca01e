"""What is wrong with a row, for whom, and what would come of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["crash", "misread", "unseen"]
"""The trainer stops; it goes on with something else than what is meant; it never takes the row."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, with a short name to count by."""

    name: str
    severity: Severity
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and the row that has it."""

    file: str
    row: int
    """From one; of JSON Lines, the line."""
    sample_id: str
    fault: str
    severity: Severity
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a trainer would make of a hand-off."""

    trainer: str
    path: str
    rows: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """What no row shows: defaults of the trainer that would undo the order."""
    counts: dict[str, int] = field(default_factory=dict)
    """Findings by the name of the fault."""

    @property
    def crashes(self) -> bool:
        """Whether the trainer would stop."""
        return any(finding.severity == "crash" for finding in self.findings)


def report(
    trainer: str, path: str, rows: int, findings: list[Finding], notes: tuple[str, ...]
) -> Report:
    """Put findings in the order of their rows, and count them."""
    ordered = sorted(findings, key=lambda f: (f.file, f.row, f.fault))
    counts = Counter(finding.fault for finding in ordered)
    return Report(trainer, path, rows, tuple(ordered), notes, dict(counts.most_common()))
