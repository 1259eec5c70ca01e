"""The step that makes views: a recipe is drawn for each sample that can bear it, and written down.

A view is its parent and the drawn parameters, not pixels; it is rebuilt when it is rendered. Words
and answers are small, so a view holds its own: a moved box, another letter. What a label table
forbids is counted with its reason, a view whose answer cannot follow is rejected with its own, and
the clean parent always stays.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from augment.errors import AugmentError
from augment.history import Applied, steps_for, to_json
from augment.labels import TABLE, Ruling, Table, forbid, verdict
from augment.question import Question
from augment.recipes import Recipe, drawn, generator, rulings
from augment.remap import Shown, bearable, moved
from pipelines.catalog.samples import add_rejects, add_samples, load_samples
from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Answer, Block, Message, Sample
from pipelines.record.steps import Reject, reject
from pipelines.workspace import Progress, Workspace, silent

BATCH = 1000
STAGE = "augment"

PARENTS = """
select s.sample_id from samples s join sample_splits p using (sample_id)
where s.history is null and ($medium = 'text' or s.modality = $medium) and p.split = 'train'
    and ($corpus is null or s.corpus = $corpus)
order by s.sample_id
"""
SIZES = """
select distinct m.media_id, m.width, m.height, m.seconds
from media m join sample_media using (media_id) where sample_id in (select unnest($ids))
"""

_LETTER = re.compile(r"(?<!\w)[A-Z](?!\w|\s[a-z])")
"""A capital that stands alone and is no article: the letter of an option."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a medium is: in pixels, or in seconds."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None


Sizes = Mapping[str, Size]
"""By media id."""

Blocked = Mapping[tuple[str, str], str]
"""(task, transform) -> why the evidence of an invariance audit forbids it."""


@dataclass(frozen=True, slots=True)
class AugmentSummary:
    """What a recipe made of the samples it was given."""

    recipe: str
    parents: int
    views: int
    new: int
    """Views that were not in the catalog before."""
    untouched: int
    """Parents for which every transform of the recipe is forbidden, or every draw was rejected."""
    forbidden: dict[str, int]
    """How often each transform was forbidden, by `transform: reason`."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Draws whose answer could not follow, by reason; `rejects` names the samples."""
    unheeded: tuple[str, ...] = ()
    """What an invariance audit blocks and was drawn all the same, as blocks were switched off."""


def augment(
    workspace: Workspace,
    recipe: Recipe,
    *,
    corpus: str | None = None,
    copies: int = 1,
    seed: int = 0,
    table: Table = TABLE,
    blocked: Blocked | None = None,
    progress: Progress = silent,
) -> AugmentSummary:
    """Make `copies` views of every training sample of the recipe's medium; twice adds nothing.

    What is `blocked` for a task (`pipelines.scoring.blocks`) is not drawn, and counts as forbidden.
    """
    catalog = workspace.catalog
    parameters = {"medium": recipe.medium, "corpus": corpus}
    with catalog.read() as connection:
        ids = [row[0] for row in connection.execute(PARENTS, parameters).fetchall()]
    forbidden: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    views = new = untouched = 0
    for start in range(0, len(ids), BATCH):
        parents = load_samples(catalog, ids[start : start + BATCH])
        sizes = sizes_of(workspace, parents)
        batch: list[Sample] = []
        dropped: list[Reject] = []
        for parent in parents:
            ruled = _heeding(blocked or {}, parent.task, ruled_for(parent, recipe, sizes, table))
            made = [
                _view(parent, recipe, ruled, sizes, copy=copy, seed=seed) for copy in range(copies)
            ]
            found = [one for one in made if isinstance(one, Sample)]
            dropped += [one for one in made if isinstance(one, Reject)]
            untouched += not found
            batch += found
            forbidden.update(f"{n}: {r.reason}" for n, r in ruled.items() if not r.allowed)
        with catalog.write() as connection:
            new += add_samples(connection, batch)
            add_rejects(connection, dropped)
        rejected.update(one.reason for one in dropped)
        views += len(batch)
        progress("views", min(start + BATCH, len(ids)), len(ids))
    return AugmentSummary(
        recipe.recipe_id,
        len(ids),
        views,
        new,
        untouched,
        dict(forbidden.most_common()),
        dict(rejected.most_common()),
    )


def view(
    parent: Sample,
    recipe: Recipe,
    copy: int,
    seed: int,
    *,
    sizes: Sizes | None = None,
    table: Table = TABLE,
) -> Sample | Reject | None:
    """Draw one view of a sample; None when every transform is forbidden.

    A Reject says why the answer could not follow what was drawn.
    """
    sizes = {} if sizes is None else sizes
    ruled = ruled_for(parent, recipe, sizes, table)
    return _view(parent, recipe, ruled, sizes, copy=copy, seed=seed)


def rebuild(
    parent: Sample,
    history: Sequence[Applied],
    sizes: Sizes | None = None,
    *,
    recipe: str = "",
    table: Table = TABLE,
) -> Sample:
    """Make the view of a sample that a history says, with the words and the answer it has then.

    The same parent, history and table give the same view. Raises AugmentError when the answer
    cannot follow.
    """
    words = question_of(parent).text, _answer_words(parent)
    ruled = {a.name: verdict(parent.tags, a.name, *words, table=table) for a in history}
    return _made(parent, history, ruled, {} if sizes is None else sizes, recipe)


def ruled_for(
    parent: Sample, recipe: Recipe, sizes: Sizes, table: Table = TABLE
) -> dict[str, Ruling]:
    """Rule on each transform of a recipe for one sample, with what its answer can bear."""
    bears = partial(bearable, question=question_of(parent), shown=_shown(parent, sizes))
    words = parent.question, _answer_words(parent)
    return rulings(recipe, parent.tags, *words, moves=True, bearable=bears, table=table)


def _heeding(blocked: Blocked, task: str, ruled: Mapping[str, Ruling]) -> dict[str, Ruling]:
    """Forbid what is allowed by the table and blocked by evidence."""
    return {
        name: forbid(blocked[task, name]) if (task, name) in blocked and ruling.allowed else ruling
        for name, ruling in ruled.items()
    }


def sizes_of(workspace: Workspace, samples: Sequence[Sample]) -> Sizes:
    """Look up how large the media of some samples are."""
    ids = [sample.sample_id for sample in samples]
    with workspace.catalog.read() as connection:
        rows = connection.execute(SIZES, {"ids": ids}).fetchall()
    return {key: Size(width, height, seconds) for key, width, height, seconds in rows}


def question_of(sample: Sample) -> Question:
    """Give the words of a sample, and its answer, as text transforms and remapping take them."""
    blocks = [(m.role, b.text) for m in sample.prompt for b in m.content if b.type == "text"]
    answer = sample.answer
    return Question(
        texts=tuple(text for role, text in blocks if role == "user"),
        kind=answer.kind,
        value=answer.value,
        options=answer.options,
        variants=answer.variants,
        unit=answer.unit,
        tolerance=answer.tolerance,
        around=tuple(text for role, text in blocks if role != "user"),
    )


def _view(
    parent: Sample,
    recipe: Recipe,
    ruled: Mapping[str, Ruling],
    sizes: Sizes,
    *,
    copy: int,
    seed: int,
) -> Sample | Reject | None:
    history = drawn(recipe, generator(recipe, parent.sample_id, copy, seed), ruled)
    if not history:
        return None
    try:
        return _made(parent, history, ruled, sizes, recipe.recipe_id)
    except AugmentError as error:
        reason = getattr(error, "reason", "cannot_be_made")
        return reject(parent, STAGE, reason, f"{recipe.recipe_id}, copy {copy}: {error}")


def _made(
    parent: Sample,
    history: Sequence[Applied],
    ruled: Mapping[str, Ruling],
    sizes: Sizes,
    recipe: str,
) -> Sample:
    asked = question_of(parent)
    following = {name for name, ruling in ruled.items() if ruling.outcome == "remap"}
    now = moved(asked, history, following, _shown(parent, sizes))
    return replace(
        parent,
        prompt=_with_texts(parent.prompt, now.texts),
        answer=_with_answer(parent.answer, now),
        steps=_steps_that_hold(parent, history, following),
        parent=parent.sample_id,
        history=tuple(json.loads(to_json(history))),
        recipe=recipe,
    )


def _with_texts(prompt: Sequence[Message], texts: Sequence[str]) -> tuple[Message, ...]:
    """Put texts in the places of those that the user says."""
    left = iter(texts)

    def block(message: Message, old: Block) -> Block:
        is_said = message.role == "user" and old.type == "text"
        return replace(old, text=next(left)) if is_said else old

    return tuple(Message(m.role, tuple(block(m, b) for b in m.content)) for m in prompt)


def _with_answer(answer: Answer, now: Question) -> Answer:
    return replace(
        answer,
        kind=now.kind,  # type: ignore[arg-type]  # another form of the question has another kind
        value=now.value,
        options=now.options,
        variants=now.variants,
        tolerance=now.tolerance,
        unit=now.unit,
    )


def _steps_that_hold(
    parent: Sample, history: Sequence[Applied], following: set[str]
) -> tuple[str, ...]:
    """Keep the reference steps, unless they may speak of what has moved."""
    media = [a for a in history if a not in steps_for("text", history)]
    if any(applied.name in following for applied in media):
        return ()
    is_shuffled = any(applied.name in following for applied in history)
    return () if is_shuffled and any(map(_LETTER.search, parent.steps)) else parent.steps


def _shown(sample: Sample, sizes: Sizes) -> Shown:
    """Give what is asked about; a medium whose size is not known counts, and has none."""
    pictures = [sizes.get(m.media_id, Size()) for m in sample.media if m.kind == "image"]
    clips = [sizes.get(m.media_id, Size()) for m in sample.media if m.kind != "image"]
    return Shown(
        frozenset(sample.tags),
        tuple((seen.width or 0, seen.height or 0) for seen in pictures),
        tuple(heard.seconds or 0 for heard in clips),
    )


def _answer_words(parent: Sample) -> str:
    """The answer and its options as text, for the lexicon."""
    return canonical_json([parent.answer.value, list(parent.answer.options)])
