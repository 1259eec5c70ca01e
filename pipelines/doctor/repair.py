"""Put right what can be put right without losing anything, and say what was done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.catalog.catalog import now
from pipelines.catalog.soundness import restore_views
from pipelines.curation.cards import copy_card, write_card
from pipelines.curation.landing import version_folder
from pipelines.curation.manifest import DatasetError
from pipelines.curation.versions import rebuild, registered
from pipelines.doctor.finding import Finding, Repair
from pipelines.doctor.heal import heal_media, lift_quarantine
from pipelines.doctor.leftovers import remove
from pipelines.withdrawal import finish
from pipelines.workspace import Progress, Workspace, silent


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was done about a finding."""

    check: str
    done: str
    """One sentence."""
    succeeded: bool = True


Act = Callable[[Workspace, Finding, Progress], list[str]]
"""Does what is safe about one finding, and says so. Raises DatasetError where it cannot."""


def repair(
    workspace: Workspace, findings: Sequence[Finding], progress: Progress = silent
) -> list[Repaired]:
    """Do what is safe about some findings, in the order in which one builds on another.

    Raises LockTimeout when another process writes for too long.
    """
    done: list[Repaired] = []
    for name, act in _ACTS.items():
        for finding in findings:
            if finding.repair != name:
                continue
            try:
                said = act(workspace, finding, progress)
            except DatasetError as error:
                done.append(Repaired(finding.check, str(error), succeeded=False))
            else:
                done += [Repaired(finding.check, sentence) for sentence in said]
    return done


def _fold_log(workspace: Workspace, _finding: Finding, _progress: Progress) -> list[str]:
    workspace.catalog.fold_log()
    return ["folded what is whole of the log into the catalog"]


def _migrate(workspace: Workspace, _finding: Finding, _progress: Progress) -> list[str]:
    workspace.catalog.ready()
    return ["brought the catalog to the newest schema"]


def _restore_views(workspace: Workspace, finding: Finding, _progress: Progress) -> list[str]:
    restore_views(workspace.catalog)
    return [f"made views anew: {', '.join(finding.things)}"]


def _finish_withdrawals(workspace: Workspace, _finding: Finding, _progress: Progress) -> list[str]:
    return [f"finished withdrawals: {finish(workspace)}"]


def _remove(workspace: Workspace, finding: Finding, _progress: Progress) -> list[str]:
    return [f"removed {remove(workspace, finding.things)} of the {finding.what}"]


def _heal_media(workspace: Workspace, finding: Finding, progress: Progress) -> list[str]:
    reason = finding.check.removeprefix("media_")
    healed, set_aside = heal_media(workspace, finding.things, reason, progress)
    said = [f"media taken back from dataset shards: {healed:,}"] if healed else []
    if set_aside:
        said.append(f"media set aside, so that no plan chooses their samples: {set_aside:,}")
    return said


def _lift_quarantine(workspace: Workspace, finding: Finding, _progress: Progress) -> list[str]:
    lift_quarantine(workspace.catalog, finding.things)
    return [f"media whose samples plans may choose again: {len(finding.things):,}"]


def _rebuild(workspace: Workspace, finding: Finding, progress: Progress) -> list[str]:
    (label,) = finding.things
    folder = rebuild(workspace, *_parts(label), progress)
    return [f"rebuilt {label} from the catalog: {folder}"]


def _write_cards(workspace: Workspace, finding: Finding, _progress: Progress) -> list[str]:
    (label,) = finding.things
    manifest = registered(workspace, *_parts(label))
    write_card(version_folder(workspace, manifest.dataset, manifest.version), manifest)
    copy_card(workspace, manifest)
    return [f"wrote the data card of {label} again"]


def _mark_crashed(workspace: Workspace, finding: Finding, _progress: Progress) -> list[str]:
    (run_id,) = finding.things
    with workspace.catalog.write() as connection:
        connection.execute(
            "update runs set status = 'crashed', ended_at = ? "
            "where run_id = ? and status = 'running'",
            [now(), run_id],
        )
    return [f"marked run {run_id[:12]} as crashed"]


def _compact(workspace: Workspace, _finding: Finding, _progress: Progress) -> list[str]:
    before = workspace.catalog.path.stat().st_size
    workspace.catalog.compact()
    after = workspace.catalog.path.stat().st_size
    return [f"wrote the catalog anew: {before >> 20} MiB are {after >> 20} MiB now"]


def _publish(workspace: Workspace, _finding: Finding, _progress: Progress) -> list[str]:
    workspace.catalog.snapshot()
    return ["published a fresh snapshot"]


def _parts(label: str) -> tuple[str, int]:
    name, _, version = label.rpartition("@")
    return name, int(version)


_ACTS: dict[Repair, Act] = {
    "fold_log": _fold_log,
    "migrate": _migrate,
    "restore_views": _restore_views,
    "finish_withdrawals": _finish_withdrawals,
    "remove": _remove,
    "heal_media": _heal_media,
    "lift_quarantine": _lift_quarantine,
    "rebuild": _rebuild,
    "write_cards": _write_cards,
    "mark_crashed": _mark_crashed,
    "compact": _compact,
    "publish": _publish,
}
