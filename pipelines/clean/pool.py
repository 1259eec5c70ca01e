"""What is compared: every standing original, its question in plain words, its media by content.

Samples are numbered by who stays where several are one: what is measured with before what is
trained on, then by corpus and record, so that the order of ingests does not matter.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalog.catalog import Connection
from pipelines.clean.texts import Wording, wording

_SAMPLES = """
with home as (
    select s.sample_id, min({'corpus': s.corpus, 'ref': s.source_ref}) as record,
        min(case when c.benchmark or s.split = 'test' then 0
                 when s.split = 'validation' then 1 else 2 end) as held_out
    from sources s left join corpora c using (corpus)
    where s.ended is null group by s.sample_id
)
select row_number() over (order by h.held_out, h.record.corpus, h.record.ref, s.sample_id)::integer
        - 1 as place,
    s.sample_id, s.question, s.answer::varchar as answer, s.answer_kind, s.guess_rate,
    f.family_id
from samples s join home h using (sample_id) join own_families f using (sample_id)
where s.history is null
order by place
"""
_MEDIA = """
select p.place, m.position, m.media_id, d.kind, d.content_hash, d.phashes
from sample_media m join media d using (media_id) join places p using (sample_id)
order by p.place, m.position
"""
_BENCHMARKS = """
select distinct p.place, c.corpus as benchmark, c.revision
from sources s join corpora c using (corpus) join places p using (sample_id)
where c.benchmark and s.ended is null
"""
_SHARED = """
select distinct p.place
from sources s left join corpora c using (corpus) join places p using (sample_id)
where s.ended is null and not coalesce(c.benchmark, false)
"""


@dataclass(frozen=True)
class Pool:
    """The standing originals as tables, and their texts."""

    samples: pa.Table
    """`place, sample_id, answer_kind, guess_rate, family_id, text, stem, said, media, pictures`:
    `text` and `stem` are places in `texts`, `said` the answer in plain words, `media` what its
    media hold, and `pictures` how many there are where all its media are pictures."""
    media: pa.Table
    """`place, position, media_id, kind, content_hash, phashes`."""
    benchmarks: pa.Table
    """`place, benchmark, revision`, of the samples to measure with."""
    shared: pa.Table
    """`place` of those that another corpus holds, too."""
    texts: list[str]
    """Questions in plain words, each once."""

    def register(self, connection: Connection) -> None:
        """Show the tables to a connection as `pool`, `pool_media`, `benchmarks` and `shared`."""
        connection.register("pool", self.samples)
        connection.register("pool_media", self.media)
        connection.register("benchmarks", self.benchmarks)
        connection.register("shared", self.shared)


@dataclass(frozen=True, slots=True)
class Read:
    """What came from the catalog as it is; what takes long is made of it once that is closed."""

    samples: pa.Table
    media: pa.Table
    benchmarks: pa.Table
    shared: pa.Table

    def pool(self) -> Pool:
        """Put every question into plain words."""
        samples, texts = _in_plain_words(self.samples)
        return Pool(
            _with_media(samples, self.media), self.media, self.benchmarks, self.shared, texts
        )


def read_pool(connection: Connection) -> Read:
    """Read what is to be compared."""
    samples = connection.execute(_SAMPLES).to_arrow_table()
    connection.register("places", samples.select(["sample_id", "place"]))
    media, benchmarks, shared = (
        connection.execute(query).to_arrow_table() for query in (_MEDIA, _BENCHMARKS, _SHARED)
    )
    return Read(samples, media, benchmarks, shared)


def _in_plain_words(samples: pa.Table) -> tuple[pa.Table, list[str]]:
    """Replace question and answer by places in the texts, and the answer in plain words."""
    known: dict[tuple[str, str], Wording] = {}
    texts: dict[str, int] = {}
    text, stem, said = [], [], []
    questions, answers = (samples.column(name).to_pylist() for name in ("question", "answer"))
    for pair in zip(questions, answers, strict=True):
        words = known.get(pair) or known.setdefault(pair, wording(*pair))
        text.append(texts.setdefault(words.words, len(texts)))
        stem.append(texts.setdefault(words.stem, len(texts)))
        said.append(words.answer)
    columns = {"text": pa.array(text, pa.int32()), "stem": pa.array(stem, pa.int32()), "said": said}
    plain = samples.drop_columns(["question", "answer"])
    for name, values in columns.items():
        plain = plain.append_column(name, pa.array(values))
    return plain, list(texts)


def _with_media(samples: pa.Table, media: pa.Table) -> pa.Table:
    """Say what the media of each sample hold; they come in order."""
    held: list[str] = [""] * samples.num_rows
    pictures: list[int] = [0] * samples.num_rows
    columns = (media[name].to_pylist() for name in ("place", "content_hash"))
    picture = pc.equal(media["kind"], "image").to_pylist()
    for place, content, shown in zip(*columns, picture, strict=True):
        pictures[place] = pictures[place] + 1 if shown and pictures[place] >= 0 else -1
        held[place] = f"{held[place]} {content}"
    return samples.append_column("media", pa.array(held, pa.string())).append_column(
        "pictures", pa.array(pictures, pa.int32())
    )
