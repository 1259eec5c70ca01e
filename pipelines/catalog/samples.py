"""Samples in and out of the catalog: content ids make writing idempotent."""

import json
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa

from pipelines.catalog.catalog import Catalog, Connection, now
from pipelines.catalog.ledger import append_new
from pipelines.record.canonical import canonical_json
from pipelines.record.media import Media, MediaFacts
from pipelines.record.sample import Answer, Reference, Sample, prompt_from_json
from pipelines.record.steps import Reject

T = TypeVar("T")

SAMPLE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("sample_id", "question_id", "parent_id", "corpus")),
        *((name, pa.string()) for name in ("task", "modality")),
        ("tags", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("prompt", "question", "answer", "answer_kind")),
        ("guess_rate", pa.float64()),
        *((name, pa.string()) for name in ("history", "recipe")),
        ("steps", pa.list_(pa.string())),
        ("licence", pa.string()),
        ("created_at", pa.timestamp("us")),
    ]
)
SOURCE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("corpus", "source_ref", "sample_id", "split")),
        *((name, pa.string()) for name in ("revision", "licence")),
        ("ingested_at", pa.timestamp("us")),
    ]
)
REJECT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("corpus", "source_ref", "stage", "reason", "detail")),
        ("rejected_at", pa.timestamp("us")),
    ]
)

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


class Rows(NamedTuple):
    """Some samples as rows of the catalog's tables, made wherever there is a free core."""

    samples: pa.Table
    sources: pa.Table
    sample_media: pa.Table
    media: pa.Table
    rejects: pa.Table

    @property
    def read(self) -> int:
        """Records that came to these rows."""
        return int(self.samples.num_rows + self.rejects.num_rows)

    @classmethod
    def together(cls, rows: Sequence["Rows"]) -> "Rows":
        """Put the rows of several batches into one."""
        return cls(*(pa.concat_tables(tables) for tables in zip(*rows, strict=True)))


def rows_of(
    samples: Sequence[Sample],
    facts: Sequence[MediaFacts] = (),
    rejects: Sequence[Reject] = (),
    *,
    revision: str = "",
) -> Rows:
    """Write samples, the facts of their media, and what was dropped, as rows."""
    # A view has no source of its own: it is derived, and its family says from what.
    originals = [sample for sample in samples if not sample.history]
    return Rows(
        _columns(samples, SAMPLE_SCHEMA, _SAMPLE_COLUMNS, created_at=now()),
        _columns(originals, SOURCE_SCHEMA, {}, revision=revision, ingested_at=now()),
        _sample_media(samples),
        _media_rows(facts),
        _columns(rejects, REJECT_SCHEMA, _REJECT_COLUMNS, rejected_at=now()),
    )


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


_SAMPLE_COLUMNS: dict[str, Callable[[Sample], object]] = {
    "parent_id": lambda sample: sample.parent,
    "prompt": lambda sample: sample.prompt_json,
    "answer": lambda sample: sample.answer_json,
    "answer_kind": lambda sample: sample.answer.kind,
    "guess_rate": lambda sample: sample.answer.guess_rate,
    "history": lambda sample: canonical_json(list(sample.history)) if sample.history else None,
    "recipe": lambda sample: sample.recipe or None,
}
_REJECT_COLUMNS: dict[str, Callable[[Reject], object]] = {"detail": lambda r: r.detail[:500]}
"""How a column is made; the others are named like what they hold."""


def _columns(
    items: Sequence[T], schema: pa.Schema, made: Mapping[str, Callable[[T], object]], **same: object
) -> pa.Table:
    """Write items as a table; `same` are columns with one value for all."""
    columns = {
        field.name: [same[field.name]] * len(items)
        if field.name in same
        else list(map(made.get(field.name) or attrgetter(field.name), items))
        for field in schema
    }
    return pa.Table.from_pydict(columns, schema)


def _sample_media(samples: Sequence[Sample]) -> pa.Table:
    triples = [
        (sample.sample_id, position, medium.media_id)
        for sample in samples
        for position, medium in enumerate(sample.media)
    ]
    ids, positions, media_ids = zip(*triples, strict=True) if triples else ((), (), ())
    return pa.table(
        {
            "sample_id": pa.array(ids, pa.string()),
            "position": pa.array(positions, pa.int32()),
            "media_id": pa.array(media_ids, pa.string()),
        }
    )


def _media_rows(facts: Sequence[MediaFacts]) -> pa.Table:
    columns = {
        "media_id": pa.string(),
        "kind": pa.string(),
        "bytes": pa.int64(),
        "content_hash": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "seconds": pa.float64(),
        "rate": pa.int32(),
        "phashes": pa.list_(pa.int64()),
        "frames": pa.int32(),
    }
    return pa.table(
        {name: pa.array([getattr(f, name) for f in facts], kind) for name, kind in columns.items()}
    )


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
