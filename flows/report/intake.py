"""What came in: corpora with what they gave, what was rejected and why, what cleaning found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.catalog.catalog import Connection

EXAMPLES = 3
"""Rejected records that are shown for each reason."""
MOST_REASONS = 60
"""Reasons that are listed; the rest is counted."""
LONGEST_DETAIL = 240

_CORPORA = """
with came as (
    select corpus, count(distinct source_ref) as records,
        count(distinct sample_id) filter (ended is null) as samples,
        count(distinct source_ref) filter (ended is not null) as ended
    from sources group by corpus
),
made as (
    select p.corpus, count(*) as views
    from samples v join samples p on p.sample_id = v.parent_id where v.history is not null
    group by p.corpus
),
lost as (
    select corpus, count(distinct source_ref) as rejected from rejects group by corpus
),
named as (
    select corpus, any_value(title) as title, any_value(licence) as licence,
        any_value(revision) as revision, bool_or(benchmark) as benchmark,
        bool_and(complete) as complete
    from corpora group by corpus
),
known as (select corpus from named union select corpus from came union select corpus from lost)
select k.corpus, coalesce(n.title, '') as title, coalesce(n.licence, '') as licence,
    coalesce(n.revision, '') as revision, coalesce(n.benchmark, false) as benchmark,
    coalesce(n.complete, false) as complete, coalesce(c.records, 0)::bigint as records,
    coalesce(c.samples, 0)::bigint as samples, coalesce(c.ended, 0)::bigint as ended,
    coalesce(m.views, 0)::bigint as views, coalesce(l.rejected, 0)::bigint as rejected
from known k left join named n using (corpus) left join came c using (corpus)
left join made m using (corpus) left join lost l using (corpus)
order by k.corpus
"""
_REJECTS = f"""
with numbered as (
    select *, row_number() over (
        partition by corpus, stage, reason order by source_ref, detail
    ) as place
    from rejects
)
select corpus, stage, reason, count(distinct source_ref)::bigint as records,
    list({{'ref': source_ref, 'detail': coalesce(left(detail, {LONGEST_DETAIL}), '')}}
        order by place) filter (place <= {EXAMPLES}) as examples
from numbered group by corpus, stage, reason order by records desc, corpus, stage, reason
"""
_FINDINGS = """
select
    (select count(*) from samples)::bigint as samples,
    (select count(*) from samples where history is not null)::bigint as views,
    (select count(*) from conflicts)::bigint as conflicts,
    (select count(*) from repeated)::bigint as repeated,
    (select count(distinct sample_id) from leaks where verdict = 'leak')::bigint as leaks,
    (select count(distinct sample_id) from withdrawals)::bigint as withdrawn,
    (select count(*) from rollouts)::bigint as rollouts,
    (select count(distinct sample_id) from rollouts where purpose = 'score')::bigint as asked
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What came into the workspace."""

    corpora: Sequence[dict[str, Any]]
    rejects: Sequence[dict[str, Any]]
    """A row for each corpus, stage and reason, with a few records."""
    reasons_left_out: int
    findings: dict[str, int]
    """How many samples, views, conflicts, repeats, leaks, withdrawals and answers there are."""

    @property
    def records(self) -> int:
        """Records that gave a sample."""
        return sum(row["records"] for row in self.corpora)

    @property
    def rejected(self) -> int:
        """Records that were rejected."""
        return sum(row["rejected"] for row in self.corpora)


def read_intake(connection: Connection) -> Intake:
    """Count what came in, over the whole workspace."""
    rejects = rows(connection, _REJECTS)
    return Intake(
        corpora=rows(connection, _CORPORA),
        rejects=rejects[:MOST_REASONS],
        reasons_left_out=max(0, len(rejects) - MOST_REASONS),
        findings=rows(connection, _FINDINGS)[0],
    )


def rows(connection: Connection, query: str, **parameters: object) -> list[dict[str, Any]]:
    """Answer a query with a list of dictionaries."""
    found: list[dict[str, Any]] = (
        connection.execute(query, parameters).to_arrow_table().to_pylist()
        if parameters
        else connection.execute(query).to_arrow_table().to_pylist()
    )
    return found
