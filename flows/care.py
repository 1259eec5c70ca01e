"""Caring for a workspace: looked at, put right, copied away and brought back."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.settings import Settings, read_settings
from pipelines.workspace import CONFIG_NAME, Progress, Workspace, WrongUse, silent

if TYPE_CHECKING:
    from pipelines.doctor import Finding, Repaired


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a look at a workspace came to."""

    workspace: Path
    sound: bool
    """Whether nothing is broken, after what was repaired."""
    findings: "tuple[Finding, ...]"
    """What there still is to say."""
    repaired: "tuple[Repaired, ...]" = ()


def check_up(
    workspace: Workspace,
    *,
    quick: bool = False,
    repair: bool = False,
    progress: Progress = silent,
) -> Checkup:
    """Look at a workspace and, if wanted, do what is safe about what is found.

    Raises WrongUse where there is none.
    """
    from pipelines import doctor

    _require_something(workspace)
    findings = _examined(workspace, quick=quick, progress=progress)
    done: list[Repaired] = []
    # A repair may show more: rows are only looked at once the catalog is whole and new enough.
    for _ in range(2 if repair else 0):
        todo = [finding for finding in findings if finding.repair]
        if not todo:
            break
        done += doctor.repair(workspace, todo, progress)
        findings = _examined(workspace, quick=quick, progress=progress)
    return Checkup(workspace.root, doctor.is_sound(findings), tuple(findings), tuple(done))


def _examined(workspace: Workspace, *, quick: bool, progress: Progress) -> "list[Finding]":
    from pipelines import doctor

    found = [*doctor.examine(workspace, quick=quick, progress=progress), *check_settings(workspace)]
    return sorted(found, key=lambda finding: finding.severity != "broken")


def check_settings(workspace: Workspace) -> "Iterator[Finding]":
    """Read curricle.toml and what it names: corpora, mappings, plans, the policy."""
    try:
        settings = read_settings(workspace)
    except WrongUse as error:
        yield _wrong(str(error))
        return
    yield from (_wrong(said) for said in _corpora(workspace, settings))
    yield from (_wrong(said) for said in _plans(workspace, settings))
    yield from (_wrong(said) for said in _files(workspace, settings))


def _corpora(workspace: Workspace, settings: Settings) -> Iterator[str]:
    from pipelines.corpora.opening import Wanted, require_known

    for corpus in settings.corpora:
        wanted = Wanted(corpus.name, corpus.path, corpus.map, corpus.format)
        try:
            require_known(wanted, workspace.root)
        except WrongUse as error:
            yield str(error)


def _plans(workspace: Workspace, settings: Settings) -> Iterator[str]:
    from pipelines.curation.plans import read_plan

    for plan in settings.plans:
        try:
            read_plan(workspace.root / plan)
        except WrongUse as error:
            yield str(error)


def _files(workspace: Workspace, settings: Settings) -> Iterator[str]:
    source = settings.policy.source
    if source.startswith((".", "/")) and not Path(source).is_dir():
        yield f"`source` of [policy] is {source}, and there is no such folder"
    if settings.augment.table and not (workspace.root / settings.augment.table).is_file():
        yield f"`table` of [augment] is {settings.augment.table}, and there is no such file"


def _wrong(said: str) -> "Finding":
    from pipelines.doctor import Finding

    return Finding(
        check="settings", where=CONFIG_NAME, what=said, todo=f"edit {CONFIG_NAME} or what it names"
    )


def _require_something(workspace: Workspace) -> None:
    """Raise WrongUse for a folder that never was a workspace; one that lost its catalog is looked at."""
    from pipelines.catalog import CatalogError

    try:
        workspace.require()
    except CatalogError:
        return
