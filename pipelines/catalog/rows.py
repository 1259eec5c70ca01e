"""Samples, the facts of their media and what was dropped, as rows of the catalog's tables.

Made wherever there is a free core: this needs no database.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple, TypeVar

import pyarrow as pa

from pipelines.catalog.moment import now
from pipelines.record.canonical import canonical_json
from pipelines.record.media import MediaFacts
from pipelines.record.sample import Sample
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
