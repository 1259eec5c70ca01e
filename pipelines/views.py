"""The step that makes views: a recipe is drawn for each sample that can bear it, and written down.

A view is its parent and the drawn parameters, not pixels; it is rebuilt when it is rendered.
What a label table forbids is counted with its reason, and the clean parent always stays.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from augment.history import to_json
from augment.recipes import Recipe, draw, generator, rulings
from pipelines.catalog.samples import add_samples, load_samples
from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Sample
from pipelines.workspace import Progress, Workspace, silent

BATCH = 1000

PARENTS = """
select s.sample_id from samples s join sample_splits p using (sample_id)
where s.history is null and s.modality = $medium and p.split = 'train'
    and ($corpus is null or s.corpus = $corpus)
order by s.sample_id
"""


@dataclass(frozen=True, slots=True)
class AugmentSummary:
    """What a recipe made of the samples it was given."""

    recipe: str
    parents: int
    views: int
    new: int
    """Views that were not in the catalog before."""
    untouched: int
    """Parents for which every transform of the recipe is forbidden."""
    forbidden: dict[str, int]
    """How often each transform was forbidden, by `transform: reason`."""


def augment(
    workspace: Workspace,
    recipe: Recipe,
    *,
    corpus: str | None = None,
    copies: int = 1,
    seed: int = 0,
    progress: Progress = silent,
) -> AugmentSummary:
    """Make `copies` views of every training sample of the recipe's medium; twice adds nothing."""
    catalog = workspace.catalog
    parameters = {"medium": recipe.medium, "corpus": corpus}
    with catalog.read() as connection:
        ids = [row[0] for row in connection.execute(PARENTS, parameters).fetchall()]
    forbidden: Counter[str] = Counter()
    views = new = untouched = 0
    for start in range(0, len(ids), BATCH):
        batch: list[Sample] = []
        for parent in load_samples(catalog, ids[start : start + BATCH]):
            made = [view(parent, recipe, copy, seed) for copy in range(copies)]
            found = [one for one in made if one is not None]
            untouched += not found
            batch += found
            forbidden.update(_forbidden(parent, recipe))
        with catalog.write() as connection:
            new += add_samples(connection, batch)
        views += len(batch)
        progress("views", min(start + BATCH, len(ids)), len(ids))
    return AugmentSummary(
        recipe.recipe_id, len(ids), views, new, untouched, dict(forbidden.most_common())
    )


def view(parent: Sample, recipe: Recipe, copy: int, seed: int) -> Sample | None:
    """Draw one view of a sample; None when the label table forbids every transform."""
    rng = generator(recipe, parent.sample_id, copy, seed)
    history = draw(recipe, rng, parent.tags, parent.question, _answer_words(parent))
    if not history:
        return None
    return replace(
        parent,
        parent=parent.sample_id,
        history=tuple(json.loads(to_json(history))),
        recipe=recipe.recipe_id,
    )


def _forbidden(parent: Sample, recipe: Recipe) -> Sequence[str]:
    ruled = rulings(recipe, parent.tags, parent.question, _answer_words(parent))
    return [f"{name}: {r.reason}" for name, r in ruled.items() if not r.allowed]


def _answer_words(parent: Sample) -> str:
    """The answer and its options as text, for the lexicon."""
    return canonical_json([parent.answer.value, list(parent.answer.options)])
