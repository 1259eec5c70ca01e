"""Where the samples of a set came from: corpora with their licences, and recipes of views."""

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.curation.ids import Ids
from pipelines.curation.manifest import CorpusUsed, RecipeUsed

_CORPORA = """
with origins as (   -- a view has no source of its own; its parent has
    select sample_id, case when history is not null then parent_id else sample_id end as origin
    from samples where sample_id in (from wanted_ids)
)
select o.corpus, coalesce(max(c.title), '') as title,
    coalesce(string_agg(distinct nullif(o.licence, ''), ', ' order by nullif(o.licence, '')),
        max(c.licence), '') as licence,
    coalesce(max(c.homepage), '') as homepage,
    coalesce(string_agg(distinct nullif(o.revision, ''), ', ' order by nullif(o.revision, '')),
        max(c.revision), '') as revision,
    count(distinct w.sample_id)::bigint as samples
from origins w join sources o on o.sample_id = w.origin left join corpora c using (corpus)
group by o.corpus order by o.corpus
"""
_RECIPES = """
select coalesce(recipe, '') as recipe, count(*)::bigint as samples
from samples where history is not null and sample_id in (from wanted_ids)
group by all order by all
"""


def provenance(catalog: Catalog, ids: Ids) -> tuple[tuple[CorpusUsed, ...], tuple[RecipeUsed, ...]]:
    """Name the corpora that these samples were seen in, and the recipes that made their views."""
    wanted = pa.table({"sample_id": ids.column})
    with catalog.read() as connection:
        connection.register("wanted_ids", wanted)
        corpora = connection.execute(_CORPORA).to_arrow_table().to_pylist()
        recipes = connection.execute(_RECIPES).to_arrow_table().to_pylist()
    return tuple(CorpusUsed(**row) for row in corpora), tuple(RecipeUsed(**r) for r in recipes)
