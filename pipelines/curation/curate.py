"""Freeze a plan: choose, order, predict, write, register. The same selection is the same version."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.curation.candidates import gather
from pipelines.curation.cards import card_path, copy_card
from pipelines.curation.counting import Counts
from pipelines.curation.drafts import draft_version
from pipelines.curation.landing import Draft, dataset_held, land, version_folder
from pipelines.curation.manifest import Manifest, StageCount
from pipelines.curation.places import Places, places_of_pool, selection_hash
from pipelines.curation.plans import Plan
from pipelines.curation.selection import EmptySelection, Selection, make_selection
from pipelines.curation.versions import (
    Version,
    finish_folder,
    last_version,
    rebuild,
    write_version,
)
from pipelines.workspace import Progress, Workspace, silent

__all__ = ["EmptySelection", "Frozen", "curate"]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A dataset version, and whether this plan minted it now."""

    dataset: str
    version: int
    control: str | None
    control_version: int | None
    samples: int
    rows: int
    """Samples and their padding."""
    stages: tuple[StageCount, ...]
    counts: Counts
    """How many samples each rule dropped, and why."""
    completions: int
    predicted_zero_advantage: float
    """Expected share of groups of `completions` answers that are all right or all wrong."""
    predicted_all_right: float
    predicted_all_wrong: float
    predicted_interval: tuple[float, float]
    """95% interval of the share that a first pass over the rows will see."""
    control_predicted_zero_advantage: float | None
    unsolved: int
    """Samples without one right answer of the policies that the plan looks at."""
    unsolved_by_all: int
    """Those of them that no policy ever solved; the manifest names them."""
    blind_untested: int
    """Samples with media that were never asked blind."""
    shuffle_untested: int
    """Choices that were never asked with their options in another order."""
    folder: Path
    control_folder: Path | None
    card: Path
    minted: bool
    """False for a version that was there already, and for a dry run."""

    @property
    def label(self) -> str:
        """The dataset's name and version, as people write it."""
        return f"{self.dataset}@{self.version}"


def curate(
    workspace: Workspace, plan: Plan, *, dry_run: bool = False, progress: Progress = silent
) -> Frozen:
    """Freeze a plan into a dataset version, with its control.

    A plan that selects what the last version of its name holds gives that version back. Raises
    WrongUse when the plan cannot be applied, and EmptySelection when nothing stays.
    """
    workspace.require()
    progress("choosing samples", 0, None)
    pool = gather(workspace, plan)
    selection = make_selection(plan, pool)
    if dry_run:
        last = last_version(workspace, plan.name)
        if last and _is_same(last, plan, selection):
            return _frozen(workspace, last, minted=False)
        return _frozen(
            workspace, draft_version(workspace, plan, pool, selection, last), minted=False
        )
    with dataset_held(workspace, plan.name) as partial:
        last = last_version(workspace, plan.name)
        if last is None or not _is_same(last, plan, selection):
            version = draft_version(workspace, plan, pool, selection, last)
            version = _minted(workspace, version, selection, partial, progress)
            return _frozen(workspace, version, minted=True)
    return _frozen(workspace, _given_back(workspace, last), minted=False)


def _is_same(last: Version, plan: Plan, selection: Selection) -> bool:
    """Whether the last version holds this very selection, and a control if one is wanted."""
    if plan.control.draw and last.control is None:
        return False
    places = places_of_pool(selection.found, selection.curated)
    return last.manifest.selection_hash == selection_hash(plan.split, places)


def _minted(
    workspace: Workspace,
    version: Version,
    selection: Selection,
    partial: Path,
    progress: Progress,
) -> Version:
    """Write both sets aside, then land them together."""
    drafts = []
    manifest, control = version.manifest, version.control
    if control is not None and selection.control is not None:
        beside = places_of_pool(selection.found, selection.control)
        drafts.append(_written(workspace, control, beside, partial, progress))
        control = drafts[0].manifest
        manifest = manifest.model_copy(update={"control_manifest_hash": control.manifest_hash})
    places = places_of_pool(selection.found, selection.curated)
    drafts.append(_written(workspace, manifest, places, partial, progress))
    land(workspace, drafts)
    for draft in drafts:
        copy_card(workspace, draft.manifest)
    return Version(drafts[-1].manifest, control)


def _written(
    workspace: Workspace,
    manifest: Manifest,
    places: Places,
    partial: Path,
    progress: Progress,
) -> Draft:
    folder = partial / manifest.dataset
    shards = write_version(workspace, folder, manifest.plan["split"], places, progress)
    sealed = manifest.sealed(shards, {"pyarrow": pa.__version__})
    finish_folder(folder, sealed)
    return Draft(sealed, places, folder)


def _given_back(workspace: Workspace, last: Version) -> Version:
    """See that the files of a version that is given back are there."""
    for manifest in filter(None, (last.manifest, last.control)):
        if not version_folder(workspace, manifest.dataset, manifest.version).is_dir():
            rebuild(workspace, manifest.dataset, manifest.version)
        copy_card(workspace, manifest)
    return last


def _frozen(workspace: Workspace, version: Version, *, minted: bool) -> Frozen:
    manifest, control = version.manifest, version.control
    return Frozen(
        dataset=manifest.dataset,
        version=manifest.version,
        control=control.dataset if control else None,
        control_version=control.version if control else None,
        samples=manifest.samples,
        rows=manifest.rows,
        stages=manifest.stages,
        counts=manifest.counts,
        completions=manifest.completions,
        predicted_zero_advantage=float(manifest.predicted_zero_advantage),
        predicted_all_right=float(manifest.predicted_all_right),
        predicted_all_wrong=float(manifest.predicted_all_wrong),
        predicted_interval=(float(manifest.predicted_low), float(manifest.predicted_high)),
        unsolved=manifest.doubts.unsolved,
        unsolved_by_all=len(manifest.doubts.unsolved_by_all),
        blind_untested=manifest.doubts.blind_untested,
        shuffle_untested=manifest.doubts.shuffle_untested,
        control_predicted_zero_advantage=(
            float(control.predicted_zero_advantage) if control else None
        ),
        folder=version_folder(workspace, manifest.dataset, manifest.version),
        control_folder=(
            version_folder(workspace, control.dataset, control.version) if control else None
        ),
        card=card_path(workspace, manifest),
        minted=minted,
    )
