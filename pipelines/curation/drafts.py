"""The manifests of a new version and of its control, before their shards are written."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.catalog.migrations import NEWEST
from pipelines.curation.candidates import Candidates
from pipelines.curation.ids import Rows
from pipelines.curation.kinds import Kind, Pool
from pipelines.curation.layout import INTERLEAVING, Layout, class_of
from pipelines.curation.manifest import ContentUsed, Doubts, Manifest, StageCount, TrainingUsed
from pipelines.curation.places import places_of_pool, selection_hash
from pipelines.curation.plans import Plan
from pipelines.curation.prediction import Shown, forecast, total
from pipelines.curation.provenance import provenance
from pipelines.curation.selection import Selection
from pipelines.curation.versions import Version
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
        "leaks": pool.leaks,
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


def _described(workspace: Workspace, plan: Plan, pool: Candidates, laid: Layout) -> dict[str, Any]:
    """Say what the places of a set add up to."""
    found, plain = pool.found, np.sort(laid.plain)
    corpora, recipes = provenance(workspace.catalog, found.ids.take(plain))
    ahead = forecast(_shown(pool, laid), plan.prediction.completions)
    rows = np.bincount(laid.stages).tolist()
    padded = np.bincount(laid.stages[laid.padded], minlength=len(rows)).tolist()
    return {
        "training": _training(pool, plain),
        "contents": _contents(found, plain),
        "corpora": corpora,
        "recipes": recipes,
        "stages": tuple(
            StageCount(stage=s, rows=rows[s], padded=padded[s]) for s in range(len(rows))
        ),
        "samples": len(plain),
        "rows": len(laid),
        "mean_pass_rate": f"{_mean_pass_rate(found, plain):.6f}",
        "doubts": _doubts(found, plain),
        "predicted_zero_advantage": f"{ahead.zero_advantage:.6f}",
        "predicted_all_right": f"{ahead.all_right:.6f}",
        "predicted_all_wrong": f"{ahead.all_wrong:.6f}",
        "predicted_low": f"{ahead.low:.6f}",
        "predicted_high": f"{ahead.high:.6f}",
        "selection_hash": selection_hash(plan.split, places_of_pool(found, laid)),
    }


def _shown(pool: Candidates, laid: Layout) -> Counter[Shown]:
    """Count the samples of a set that are known alike and stand in it equally often."""
    groups = np.bincount(laid.rows, minlength=len(pool.found))
    most = int(groups.max(initial=0)) + 1
    together, samples = np.unique(pool.found.numbers * most + groups, return_counts=True)
    shown: Counter[Shown] = Counter()
    for code, count in zip(together.tolist(), samples.tolist(), strict=True):
        number, times = divmod(code, most)
        kind = pool.found.kinds[number]
        if times:
            shown[Shown(kind.successes, kind.tries, pool.priors[number], times)] += count
    return shown


def _mean_pass_rate(found: Pool, plain: Rows) -> float:
    counts = zip(found.kinds, found.counted(plain).tolist(), strict=True)
    return total((kind.successes / kind.tries, count) for kind, count in counts) / len(plain)


def _contents(found: Pool, plain: Rows) -> tuple[ContentUsed, ...]:
    """Count the samples of a set by what they ask."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for kind, count in zip(found.kinds, found.counted(plain).tolist(), strict=True):
        if count:
            counts[kind.task, kind.modality, kind.answer_kind] += count
    return tuple(
        ContentUsed(task=task, modality=modality, answer_kind=answer, samples=count)
        for (task, modality, answer), count in sorted(counts.items())
    )


def _training(pool: Candidates, plain: Rows) -> TrainingUsed | None:
    """Say which training runs were looked at, and whose tries they gave."""
    if not pool.runs:
        return None
    theirs = plain[pool.found.told(lambda kind: kind.from_training, np.bool_, plain)]
    return TrainingUsed(runs=pool.runs, samples=tuple(pool.found.ids.take(theirs).written()))


def _doubts(found: Pool, plain: Rows) -> Doubts:
    """Say what speaks against the samples of a set, and what nobody has tested."""

    def told(tell: Callable[[Kind], bool]) -> NDArray[np.bool_]:
        return found.told(tell, np.bool_, plain)

    by_all = plain[told(lambda kind: not kind.successes and not kind.ever_solved)]
    unseen = told(lambda kind: class_of(kind.modality) == "media" and kind.blind is None)
    unshuffled = told(lambda kind: kind.answer_kind == "choice" and kind.shuffled is None)
    return Doubts(
        unsolved=int(told(lambda kind: not kind.successes).sum()),
        unsolved_by_all=tuple(found.ids.take(by_all).written()),
        blind_untested=int(unseen.sum()),
        shuffle_untested=int(unshuffled.sum()),
    )
