"""What caring for a workspace came to, in sentences."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.care import Checkup
    from pipelines.backup import BackedUp
    from pipelines.doctor import Finding
    from pipelines.restore import Restored

SHOWN = 3
"""Ids or paths that are shown of a finding."""


def checked_up(found: "Checkup") -> Iterator[str]:
    """Say what a look at a workspace showed, and what was done."""
    for repaired in found.repaired:
        yield f"{'repaired' if repaired.succeeded else 'not repaired'}: {repaired.done}"
    broken = [finding for finding in found.findings if finding.severity == "broken"]
    notices = [finding for finding in found.findings if finding.severity == "notice"]
    for title, findings in (("broken", broken), ("worth knowing", notices)):
        for finding in findings:
            yield from _told(title, finding)
    if broken:
        yield f"{found.workspace} is not sound: {_things(len(broken), 'thing')} to put right"
    else:
        yield f"{found.workspace} is sound"


def _told(title: str, finding: "Finding") -> Iterator[str]:
    yield f"{title}: {finding.where}: {finding.what}"
    shown = finding.things[:SHOWN]
    if shown and not all(thing in finding.what or thing in finding.where for thing in shown):
        more = ", …" if len(finding.things) > SHOWN else ""
        yield f"  {', '.join(shown)}{more}"
    yield f"  to do: {finding.todo}"


def backed_up(done: "BackedUp") -> Iterator[str]:
    """Say what was copied away."""
    yield (
        f"backed {done.workspace} up to {done.folder}: {_things(done.samples, 'sample')}, "
        f"{_things(done.versions, 'dataset version')}"
    )
    yield (
        f"  beside the catalog {_things(done.copied, 'file')} copied ({done.bytes / 2**20:,.1f} MiB), "
        f"{done.kept:,} there already, {done.removed:,} removed that the workspace no longer has"
    )
    for path in done.damaged:
        yield f"  damaged here, so not copied: {path}; `curricle doctor` says what to do"


def restored(done: "Restored") -> Iterator[str]:
    """Say what was brought back."""
    for version in done.versions:
        state = "registered" if version.registered else "was registered already"
        yield (
            f"{version.label}: {_things(version.samples, 'new sample')}, "
            f"{_things(version.media, 'media file')}; {state}"
        )
    if done.backup is not None:
        yield (
            f"brought {done.backup.workspace} back as {done.workspace}: "
            f"{_things(done.backup.samples, 'sample')}, "
            f"{_things(done.backup.versions, 'dataset version')}, "
            f"{_things(done.backup.copied, 'file')}"
        )
        yield from (f"  damaged in the backup: {path}" for path in done.backup.damaged)
    yield f"look at it with: curricle doctor --workspace {done.workspace}"


def _things(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
