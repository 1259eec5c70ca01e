"""What a cleaning found, pair by pair, with both questions: for people to judge by."""

from typing import Any, Literal

from pipelines.catalog import Catalog

Kind = Literal["duplicates", "conflicts", "leaks", "same-picture"]

_ALIKE = """
select d.sample_id as a_id, d.keeper_id as b_id, d.how, l.text_similarity, l.picture_distance,
    l.picture_version, l.pixel_difference
from duplicates d left join alike l
    on l.a_id = d.keeper_id and l.b_id = d.sample_id and l.verdict = 'duplicate'
"""
_CONFLICTS = """
select b_id as a_id, a_id as b_id, how, text_similarity, picture_distance, picture_version,
    pixel_difference
from alike where verdict = 'conflict'
"""
_LEAKS = """
select sample_id as a_id, benchmark_id as b_id, benchmark || ': ' || how as how, text_similarity,
    picture_distance, picture_version, pixel_difference
from leaks where verdict = '{verdict}'
"""
_FOUND = {
    "duplicates": _ALIKE,
    "conflicts": _CONFLICTS,
    "leaks": _LEAKS.format(verdict="leak"),
    "same-picture": _LEAKS.format(verdict="same picture"),
}
_SHOWN = """
with home as (
    select sample_id, min(corpus || ' ' || source_ref) as record
    from sources where ended is null group by sample_id
)
select f.how, f.text_similarity, f.picture_distance, f.picture_version, f.pixel_difference,
    a.sample_id, x.record, a.question, a.answer::varchar as answer,
    b.sample_id as other_id, y.record as other_record, b.question as other_question,
    b.answer::varchar as other_answer
from ({found}) f
join samples a on a.sample_id = f.a_id left join home x on x.sample_id = a.sample_id
join samples b on b.sample_id = f.b_id left join home y on y.sample_id = b.sample_id
order by f.how, x.record, y.record limit ?
"""


def findings(catalog: Catalog, kind: Kind, limit: int) -> list[dict[str, Any]]:
    """Give pairs of one kind: what repeats first, then what stays or is repeated."""
    return catalog.rows(_SHOWN.format(found=_FOUND[kind]), limit)
