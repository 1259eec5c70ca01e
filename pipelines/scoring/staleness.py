"""What newer weights, a reworded template or a new grader made stale: the samples to ask again."""

from collections.abc import Sequence

import pyarrow as pa

from pipelines.catalog.catalog import Catalog
from pipelines.scoring.ask import Asker

SCORED_BEFORE = """
with who as (
    select $policy as policy_id
    union select earlier_id from predecessors where policy_id = $policy
),
how as (
    select $template as template_id
    union select e.template_id from templates t join templates e using (name)
    where t.template_id = $template
)
select distinct d.sample_id
from difficulty d join who using (policy_id) join how using (template_id)
where d.sample_id in (from wanted_ids)
order by d.sample_id
"""


def scored_before(catalog: Catalog, asker: Asker, sample_ids: Sequence[str]) -> list[str]:
    """Which of these samples were scored by this policy or one that it descends from.

    Asking these alone brings stale evidence up to date and leaves alone what nobody ever scored:
    what today's policy, template and reward have decided already, no job asks again.
    """
    with catalog.write() as connection:
        asker.introduce(connection)
    with catalog.read() as connection:
        wanted = pa.table({"sample_id": pa.array(sorted(set(sample_ids)), pa.string())})
        connection.register("wanted_ids", wanted)
        who = {name: asker.asked[name] for name in ("policy", "template")}
        rows = connection.execute(SCORED_BEFORE, who).fetchall()
    return [row[0] for row in rows]
