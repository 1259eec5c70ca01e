"""What a check of a workspace found: what is wrong, where, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["broken", "notice"]
"""`broken`: something is lost, wrong or would fail. `notice`: worth knowing, and nothing is wrong."""
Repair = Literal[
    "",
    "fold_log",
    "migrate",
    "restore_views",
    "finish_withdrawals",
    "remove",
    "heal_media",
    "lift_quarantine",
    "rebuild",
    "write_cards",
    "mark_crashed",
    "compact",
    "publish",
]
"""What `--repair` would do about it; empty where nothing is safe to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a workspace, or worth knowing."""

    check: str
    """Which check found it: a fixed name, for scripts."""
    where: str
    """The file, folder or table."""
    what: str
    severity: Severity = "broken"
    todo: str
    repair: Repair = ""
    things: tuple[str, ...] = ()
    """Every id, path or label that it is about."""


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether nothing is broken."""
    return all(finding.severity != "broken" for finding in findings)
