"""The manifests of a new version and of its control, before their shards are written."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipelines.catalog.migrations import NEWEST
from pipelines.curation.candidates import Candidate, Candidates
from pipelines.curation.layout import INTERLEAVING, Place, class_of
from pipelines.curation.manifest import Doubts, Manifest, StageCount, TrainingUsed
from pipelines.curation.plans import Plan
from pipelines.curation.prediction import forecast
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
        **_described(workspace, plan, pool, selection.curated),
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
        **_described(workspace, plan, pool, selection.control),
    )
    return Version(manifest, beside)


def _described(
    workspace: Workspace, plan: Plan, pool: Candidates, places: Sequence[Place]
) -> dict[str, Any]:
    """Say what the places of a set add up to."""
    plain = [place for place in places if not place.padded]
    corpora, recipes = provenance(workspace.catalog, {place.sample_id for place in plain})
    ahead = forecast(
        ((place.sample_id, place.successes, place.tries) for place in places),
        plan.prediction.completions,
        pool.priors,
    )
    rows = Counter(place.stage for place in places)
    padded = Counter(place.stage for place in places if place.padded)
    return {
        "training": _training(pool, {place.sample_id for place in plain}),
        "corpora": corpora,
        "recipes": recipes,
        "stages": tuple(StageCount(stage=s, rows=rows[s], padded=padded[s]) for s in sorted(rows)),
        "samples": len(plain),
        "rows": len(places),
        "mean_pass_rate": f"{math.fsum(place.pass_rate for place in plain) / len(plain):.6f}",
        "doubts": _doubts({place.sample_id for place in plain}, pool.found),
        "predicted_zero_advantage": f"{ahead.zero_advantage:.6f}",
        "predicted_all_right": f"{ahead.all_right:.6f}",
        "predicted_all_wrong": f"{ahead.all_wrong:.6f}",
        "predicted_low": f"{ahead.low:.6f}",
        "predicted_high": f"{ahead.high:.6f}",
        "selection_hash": selection_hash(plan.split, places),
    }


def _training(pool: Candidates, sample_ids: set[str]) -> TrainingUsed | None:
    """Say which training runs were looked at, and whose tries they gave."""
    if not pool.runs:
        return None
    theirs = {candidate.sample_id for candidate in pool.found if candidate.from_training}
    return TrainingUsed(runs=pool.runs, samples=tuple(sorted(theirs & sample_ids)))


def _doubts(sample_ids: set[str], found: Sequence[Candidate]) -> Doubts:
    """Say what speaks against the samples of a set, and what nobody has tested."""
    chosen = [candidate for candidate in found if candidate.sample_id in sample_ids]
    unsolved = [c for c in chosen if not c.successes]
    return Doubts(
        unsolved=len(unsolved),
        unsolved_by_all=tuple(sorted(c.sample_id for c in unsolved if not c.ever_solved)),
        blind_untested=sum(class_of(c.modality) == "media" and c.blind is None for c in chosen),
        shuffle_untested=sum(c.answer_kind == "choice" and c.shuffled is None for c in chosen),
    )
