"""The manifests of a new version and of its control, before their shards are written."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipelines.catalog.migrations import NEWEST
from pipelines.curation.candidates import Candidates
from pipelines.curation.layout import INTERLEAVING, Place
from pipelines.curation.manifest import Manifest, StageCount
from pipelines.curation.plans import Plan
from pipelines.curation.prediction import zero_advantage_share
from pipelines.curation.provenance import provenance
from pipelines.curation.selection import Selection
from pipelines.curation.versions import Version, selection_hash
from pipelines.workspace import Workspace


def draft_version(
    workspace: Workspace,
    plan: Plan,
    pool: Candidates,
    selection: Selection,
    last: Version | None,
) -> Version:
    """Describe the version that comes after `last`, still without shards."""
    number = last.manifest.version + 1 if last else 1
    curated = f"{plan.name}@{number}"
    control = f"{plan.control_name}@{number}" if selection.control is not None else None
    common: dict[str, Any] = {
        "version": number,
        "plan": plan.as_json(),
        "catalog_schema": NEWEST,
        "evidence": pool.evidence,
        "interleaving": INTERLEAVING,
        "completions": plan.prediction.completions,
        "control_manifest_hash": None,
    }
    manifest = Manifest(
        dataset=plan.name,
        kind="curated",
        control=control,
        control_of=None,
        counts=selection.counts,
        **common,
        **_described(workspace, plan, selection.curated),
    )
    if selection.control is None:
        return Version(manifest, None)
    beside = Manifest(
        dataset=plan.control_name,
        kind="control",
        control=None,
        control_of=curated,
        counts=selection.control_counts,
        **common,
        **_described(workspace, plan, selection.control),
    )
    return Version(manifest, beside)


def _described(workspace: Workspace, plan: Plan, places: Sequence[Place]) -> dict[str, Any]:
    """Say what the places of a set add up to."""
    plain = [place for place in places if not place.padded]
    corpora, recipes = provenance(workspace.catalog, {place.sample_id for place in plain})
    share = zero_advantage_share(
        ((place.successes, place.tries) for place in places), plan.prediction.completions
    )
    rows = Counter(place.stage for place in places)
    padded = Counter(place.stage for place in places if place.padded)
    return {
        "corpora": corpora,
        "recipes": recipes,
        "stages": tuple(StageCount(stage=s, rows=rows[s], padded=padded[s]) for s in sorted(rows)),
        "samples": len(plain),
        "rows": len(places),
        "mean_pass_rate": f"{math.fsum(place.pass_rate for place in plain) / len(plain):.6f}",
        "predicted_zero_advantage": f"{share:.6f}",
        "selection_hash": selection_hash(plan.split, places),
    }
