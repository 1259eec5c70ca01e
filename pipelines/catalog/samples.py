"""Samples in and out of the catalog: content ids make writing idempotent."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import Catalog, Connection
from pipelines.catalog.ledger import append_new
from pipelines.catalog.rows import Rows, rows_of
from pipelines.record.media import Media, MediaFacts
from pipelines.record.sample import Answer, Reference, Sample, prompt_from_json
from pipelines.record.steps import Reject

_LOAD = """
select s.*, list(m.media_id order by m.position) filter (m.media_id is not null) as media_ids,
    any_value(o.source_ref) as source_ref, any_value(p.split) as split
from samples s
left join sample_media m using (sample_id)
left join (select sample_id, min(source_ref) as source_ref from sources group by all) o
    using (sample_id)
left join sample_splits p using (sample_id)
where s.sample_id in (from wanted_ids)
group by all order by s.sample_id
"""


def add_rows(connection: Connection, rows: Rows) -> int:
    """Add rows that are not there yet; give how many samples were new.

    Where a sample is already there from another corpus, the first corpus by name is the one
    displayed, whichever came first.
    """
    new = append_new(connection, "samples", rows.samples, key="sample_id")
    if new < rows.samples.num_rows:
        _display_first_corpus(connection, rows.samples)
    append_new(connection, "sources", rows.sources, key="corpus, source_ref, sample_id")
    append_new(connection, "sample_media", rows.sample_media, key="sample_id, position")
    append_new(connection, "media", rows.media, key="media_id")
    append_new(connection, "rejects", rows.rejects, key="corpus, source_ref, stage, reason")
    return new


def add_samples(
    connection: Connection,
    samples: Sequence[Sample],
    facts: Sequence[MediaFacts] = (),
    *,
    revision: str = "",
) -> int:
    """Add samples with their sources and media; give how many samples were new."""
    return add_rows(connection, rows_of(samples, facts, revision=revision))


def add_rejects(connection: Connection, rejects: Sequence[Reject]) -> int:
    """Keep what was dropped, with source and reason; the same reject is kept once."""
    table = rows_of((), rejects=rejects).rejects
    return append_new(connection, "rejects", table, key="corpus, source_ref, stage, reason")


def load_samples(catalog: Catalog, sample_ids: Sequence[str]) -> list[Sample]:
    """Give the samples with these ids, in the order of the ids."""
    wanted = pa.table({"sample_id": pa.array(list(dict.fromkeys(sample_ids)), pa.string())})
    with catalog.read() as connection:
        connection.register("wanted_ids", wanted)
        rows = connection.execute(_LOAD).to_arrow_table().to_pylist()
        kinds = dict(
            connection.execute(
                "select distinct m.media_id, m.kind from media m join sample_media using (media_id) "
                "where sample_id in (from wanted_ids)"
            ).fetchall()
        )
    loaded = {row["sample_id"]: sample_from_row(row, kinds) for row in rows}
    return [loaded[key] for key in sample_ids]


def sample_from_row(row: dict[str, Any], media_kinds: dict[str, Any]) -> Sample:
    """Rebuild a sample from its row; its media are references into the media store."""
    return Sample(
        prompt=prompt_from_json(json.loads(row["prompt"])),
        answer=Answer.from_json(json.loads(row["answer"])),
        media=tuple(Media(key, media_kinds[key]) for key in row["media_ids"] or ()),
        task=row["task"],
        tags=tuple(row["tags"] or ()),
        corpus=row["corpus"],
        source_ref=row["source_ref"] or row["sample_id"],
        split=row["split"] or "train",
        licence=row["licence"] or "",
        parent=row["parent_id"],
        history=tuple(json.loads(row["history"] or "[]")),
        recipe=row["recipe"] or "",
        steps=tuple(row["steps"] or ()),
    )


def reference_from_row(row: Mapping[str, Any]) -> Reference:
    """Rebuild what completions are graded against from the `answer` and `steps` of a row."""
    return Reference(Answer.from_json(json.loads(row["answer"])), tuple(row["steps"] or ()))


def _display_first_corpus(connection: Connection, rows: pa.Table) -> None:
    """Show a sample under its first corpus by name, so that the order of ingests does not matter."""
    connection.register("seen_rows", rows)
    connection.execute(
        "update samples set corpus = n.corpus, task = n.task, tags = n.tags, licence = n.licence "
        "from (from seen_rows qualify row_number() over "
        "(partition by sample_id order by corpus) = 1) n "
        "where samples.sample_id = n.sample_id and n.corpus < samples.corpus"
    )
    connection.unregister("seen_rows")
