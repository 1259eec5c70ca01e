"""Augmented views beside what they were made from, a few for every kind of change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from flows.report.intake import rows
from flows.report.scope import FrozenSet
from flows.report.thumbnails import Shown, Wanted, shown
from flows.report.words import answer_in_words, changed_words, history_in_words
from pipelines.catalog.catalog import Connection
from pipelines.record.media import MediaStore

MOST_PAIRS = 12
PLACES = ("box", "boxes", "point")

# One of each recipe and list of transforms, by turns; those that are in the set come first.
_PAIRS = """
with kept as (
    select distinct sample_id from dataset_samples
    where list_contains($sets, dataset || '@' || version)
),
views as (
    select v.*, k.sample_id is not null as kept,
        list_sort(list_distinct(json_extract_string(v.history, '$[*].name'))) as names
    from samples v left join kept k using (sample_id) where v.history is not null
),
turns as (
    select *, row_number() over (partition by recipe, names order by kept desc, sample_id) as turn
    from views
)
select v.sample_id, v.parent_id, v.task, coalesce(v.recipe, '') as recipe, v.kept,
    v.history::varchar as history, v.question, v.answer::varchar as answer, v.answer_kind,
    p.question as parent_question, p.answer::varchar as parent_answer
from turns v join samples p on p.sample_id = v.parent_id
order by v.turn, hash(array_to_string(v.names, ','), v.recipe), v.sample_id limit $most
"""
_RECIPES = """
select coalesce(v.recipe, '') as recipe, count(*)::bigint as views,
    count(distinct v.parent_id)::bigint as parents,
    count(distinct k.sample_id)::bigint as kept
from samples v left join (
    select distinct sample_id from dataset_samples
    where list_contains($sets, dataset || '@' || version)
) k using (sample_id)
where v.history is not null group by v.recipe order by views desc, recipe
"""
_MEDIA = """
select m.sample_id, m.media_id, any_value(f.kind) as kind
from sample_media m left join media f using (media_id)
where list_contains($ids, m.sample_id)
group by m.sample_id, m.position, m.media_id order by m.sample_id, m.position
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A sample of a pair."""

    sample_id: str
    media: Sequence[Shown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A view and its parent."""

    task: str
    recipe: str
    kept: bool
    """Whether the view is in the set."""
    history: Sequence[str]
    """What was done, in words."""
    parent: Side
    view: Side
    question: Markup
    """Of the view, with what changed in it marked."""
    answer: str
    parent_answer: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """The views of a workspace: how many each recipe made, and a few of them."""

    recipes: Sequence[dict[str, Any]]
    found: Sequence[dict[str, Any]]
    media: Sequence[dict[str, Any]]


def read_pairs(connection: Connection, sets: Sequence[FrozenSet]) -> Pairs:
    """Choose the pairs; their media are drawn outside the burst."""
    labels = [one.label for one in sets if one.kind == "curated"]
    found = rows(connection, _PAIRS, sets=labels, most=MOST_PAIRS)
    ids = sorted({row[key] for row in found for key in ("sample_id", "parent_id")})
    return Pairs(
        recipes=rows(connection, _RECIPES, sets=labels),
        found=found,
        media=rows(connection, _MEDIA, ids=ids) if ids else (),
    )


def draw_pairs(store: MediaStore, pairs: Pairs) -> list[Pair]:
    """Draw the media of both sides of every pair."""
    return [_pair(store, row, pairs.media) for row in pairs.found]


def _pair(store: MediaStore, row: dict[str, Any], media: Sequence[dict[str, Any]]) -> Pair:
    place = row["answer_kind"] in PLACES
    parent = _side(store, row["parent_id"], media, "", row["parent_answer"] if place else "")
    view = _side(store, row["sample_id"], media, row["history"], row["answer"] if place else "")
    return Pair(
        task=row["task"],
        recipe=row["recipe"],
        kept=row["kept"],
        history=history_in_words(row["history"]),
        parent=parent,
        view=view,
        question=changed_words(row["parent_question"] or "", row["question"] or ""),
        answer=answer_in_words(row["answer"]),
        parent_answer=answer_in_words(row["parent_answer"]),
    )


def _side(
    store: MediaStore, sample_id: str, media: Sequence[dict[str, Any]], history: str, answer: str
) -> Side:
    own = [m for m in media if m["sample_id"] == sample_id]
    pictures = [
        shown(store, Wanted(m["media_id"], m["kind"] or "unknown", history, answer)) for m in own
    ]
    return Side(sample_id=sample_id, media=pictures)
