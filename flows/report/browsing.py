"""The samples that the page lets a person look through, and what is known of each.

Those of the set come first, in its order, then those of the control, then the others by their ids,
which are hashes: where there are too many, the page shows a random choice of what was left out.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from flows.report.hardness import BEST
from flows.report.intake import rows
from flows.report.scope import Scope
from pipelines.catalog.catalog import Connection

LONGEST_QUESTION = 2_000
LONGEST_COMPLETION = 800
LONGEST_REASON = 300
ANSWERS = 6
"""Answers that are kept of a sample: of each purpose the last right and wrong ones."""
MOST_VISITS = 24
"""Training steps of one run that are named for a sample."""
MOST_SOURCES = 6
MOST_VIEWS = 12

_SHOWN = """
with placed as (
    select sample_id, min(position) filter (kind = 'curated') as position,
        min(stage) filter (kind = 'curated') as stage,
        min(d.position) filter (kind = 'control') as control_position,
        arg_min(d.pass_rate, d.position) filter (kind = 'curated') as rate_then,
        arg_min(d.tries, d.position) filter (kind = 'curated') as tries_then
    from dataset_samples d join datasets using (dataset, version)
    where list_contains($sets, dataset || '@' || version) group by sample_id
)
select s.sample_id, p.position, p.stage, p.control_position, p.rate_then, p.tries_then
from samples s left join placed p using (sample_id)
order by p.position nulls last, p.control_position nulls last, s.sample_id limit $most
"""
_SAMPLES = f"""
select s.sample_id, s.parent_id, s.corpus, s.task, s.modality, s.answer_kind, s.guess_rate,
    left(s.question, {LONGEST_QUESTION}) as question, s.answer::varchar as answer,
    s.history::varchar as history, coalesce(s.recipe, '') as recipe,
    coalesce(s.licence, '') as licence
from samples s semi join shown using (sample_id)
"""
_EVIDENCE = f"""
select * from ({BEST.replace("where n > 0", "where n > 0 and sample_id in (select sample_id from shown)")})
qualify row_number() over (
    partition by sample_id order by policy_id = $policy desc, n desc, policy_id
) = 1
"""
_SPLITS = "select sample_id, split from sample_splits semi join shown using (sample_id)"
_SOURCES = f"""
select o.sample_id, o.corpus, o.source_ref, coalesce(o.split, '') as split,
    coalesce(o.revision, '') as revision, coalesce(o.ended, '') as ended
from sources o semi join origins using (sample_id)
qualify row_number() over (partition by o.sample_id order by o.corpus, o.source_ref)
    <= {MOST_SOURCES}
order by o.sample_id, o.corpus, o.source_ref
"""
_MEDIA = """
select m.sample_id, m.media_id, f.kind, f.width, f.height, f.seconds, f.bytes
from sample_media m left join (
    select media_id, any_value(kind) as kind, any_value(width) as width,
        any_value(height) as height, any_value(seconds) as seconds, any_value(bytes) as bytes
    from media group by media_id
) f using (media_id)
semi join shown using (sample_id) order by m.sample_id, m.position
"""
_TALLIES = """
select g.sample_id, g.purpose, coalesce(p.name, left(g.policy_id, 12)) as policy,
    count(distinct g.rollout_id)::bigint as answers,
    count(distinct g.rollout_id) filter (g.correct)::bigint as correct
from graded g semi join shown using (sample_id) left join policies p using (policy_id)
group by all order by g.sample_id, g.purpose, policy
"""
_ANSWERS = f"""
with placed as (
    select g.*, row_number() over (
        partition by sample_id, purpose, correct
        order by step desc nulls last, created_at desc, k, rollout_id, reward_id
    ) as place
    from graded g semi join shown using (sample_id)
),
few as (
    from placed where place <= 3 qualify row_number() over (
        partition by sample_id order by place, purpose <> 'score', purpose, correct desc,
            rollout_id, reward_id
    ) <= {ANSWERS}
)
select f.sample_id, f.purpose, coalesce(p.name, left(f.policy_id, 12)) as policy, f.step,
    f.correct, left(f.completion, {LONGEST_COMPLETION}) as completion,
    length(f.completion) > {LONGEST_COMPLETION} as cut,
    coalesce(left(f.reason, {LONGEST_REASON}), '') as reason, f.reward,
    f.finish_reason, f.completion_tokens as tokens
from few f left join policies p using (policy_id)
order by f.sample_id, f.purpose <> 'score', f.purpose, f.correct desc, f.step, f.rollout_id,
    f.reward_id
"""
_PLACES = """
select d.sample_id, d.dataset || '@' || d.version as label,
    list(d.position order by d.position) as positions, min(d.stage) as stage
from dataset_samples d semi join shown using (sample_id)
group by d.sample_id, label order by d.sample_id, label
"""
_VISITS = """
select sample_id, run_id, step, sum(successes)::integer as correct, sum(graded)::integer as graded
from counted_groups semi join shown using (sample_id)
where came <> 'replay' and list_contains($runs, run_id)
group by all order by sample_id, run_id, step
"""
_SEARCHES = """
select sample_id, solved, first_success, iterations from search_effort semi join shown using (sample_id)
qualify row_number() over (partition by sample_id order by created_at desc, policy_id) = 1
"""
_VIEWS = f"""
select parent_id as sample_id, sample_id as view_id from samples
where history is not null and parent_id in (select sample_id from shown)
qualify row_number() over (partition by parent_id order by sample_id) <= {MOST_VIEWS}
order by parent_id, sample_id
"""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One sample and all that the page says of it."""

    row: Row
    """Its columns, its place in the sets, and its evidence."""
    sources: Sequence[Row]
    """Records that gave it, or its parent where it is a view."""
    media: Sequence[Row]
    tallies: Sequence[Row]
    """How often it was asked, by purpose and policy."""
    answers: Sequence[Row]
    places: Sequence[Row]
    """Its positions in every dataset version, not only those of the page."""
    visits: Mapping[str, Sequence[Row]]
    """By run: the training steps that asked it."""
    search: Row | None
    views: Sequence[str]
    """Ids of what was made of it."""

    @property
    def sample_id(self) -> str:
        """Its id."""
        return str(self.row["sample_id"])


@dataclass(frozen=True, slots=True)
class Browsed:
    """The samples of a page."""

    samples: Sequence[Known] = ()
    all_samples: int = 0
    """How many the workspace has."""


@dataclass
class _Gathered:
    """Rows by sample, as the queries give them."""

    by_sample: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, found: Sequence[Row]) -> "_Gathered":
        gathered = cls()
        for row in found:
            gathered.by_sample[row.pop("sample_id")].append(row)
        return gathered

    def __getitem__(self, sample_id: str) -> list[Row]:
        return self.by_sample.get(sample_id, [])

    def first(self, sample_id: str) -> Row:
        found = self.by_sample.get(sample_id)
        return found[0] if found else {}


def read_browsed(connection: Connection, scope: Scope, policy_id: str, most: int) -> Browsed:
    """Choose at most `most` samples and read what is known of them.

    The pass rate is that of the policy named, where it was asked, else of who answered most.
    """
    labels = [one.label for one in scope.sets]
    shown = connection.execute(_SHOWN, {"sets": labels, "most": most}).to_arrow_table()
    connection.register("shown", shown.select(["sample_id"]))
    places = shown.to_pylist()
    plain = {row["sample_id"]: row for row in rows(connection, _SAMPLES)}
    connection.register("origins", _origins(plain))
    total = rows(connection, "select count(*)::bigint as n from samples")[0]["n"]
    evidence = _Gathered.of(rows(connection, _EVIDENCE, policy=policy_id))
    splits = _Gathered.of(rows(connection, _SPLITS))
    sources = _Gathered.of(rows(connection, _SOURCES))
    media, tallies, answers, in_sets, searches, views = (
        _Gathered.of(rows(connection, query))
        for query in (_MEDIA, _TALLIES, _ANSWERS, _PLACES, _SEARCHES, _VIEWS)
    )
    visits = _Gathered.of(rows(connection, _VISITS, runs=list(scope.runs)))
    connection.unregister("shown")
    connection.unregister("origins")
    samples = []
    for place in places:
        key = place["sample_id"]
        row = plain[key] | place | evidence.first(key) | splits.first(key)
        known = Known(
            row=row,
            sources=sources[_origin(row)],
            media=media[key],
            tallies=tallies[key],
            answers=answers[key],
            places=in_sets[key],
            visits=_by_run(visits[key]),
            search=searches.first(key) or None,
            views=[view["view_id"] for view in views[key]],
        )
        samples.append(known)
    return Browsed(samples, total)


def _origin(row: Row) -> str:
    """Give the sample that a record gave: a view has none of its own, its parent has."""
    return str(row["parent_id"] if row["history"] is not None else row["sample_id"])


def _origins(plain: Mapping[str, Row]) -> pa.Table:
    ids = sorted({_origin(row) for row in plain.values()})
    return pa.table({"sample_id": pa.array(ids, pa.string())})


def _by_run(visits: Sequence[Row]) -> dict[str, list[Row]]:
    by_run = defaultdict[str, list[Row]](list)
    for visit in visits:
        by_run[visit["run_id"]].append(visit)
    return dict(by_run)
