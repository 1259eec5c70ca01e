"""What in the pool repeats a benchmark, and by which sign.

A leak repeats a question: in the same words or nearly, with its options in another order, inside
a longer text, about the same picture in another form. A picture alone is no leak: it is
reported, and only strict plans leave it out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from pipelines.catalog.catalog import Connection
from pipelines.catalog.scratch import scratch
from pipelines.clean.compared import Compared
from pipelines.clean.near_pictures import near_versions
from pipelines.clean.near_texts import ALIKE, contained_texts
from pipelines.clean.pixels import SAME
from pipelines.clean.pool import Pool
from pipelines.clean.texts import contains_numbers, similarity, told_apart
from pipelines.workspace import Progress, silent

HALF = 0.5
"""Jaccard similarity from which on questions about one picture are one, if the answer is."""
LONG = 8
"""Words from which on a question is known without its picture or its options."""
TELLING_ANSWER = 3
"""Characters from which on an answer that cannot be guessed gives its question away."""

_SIDES = """
create temp table asked as
select p.*, b.benchmark, b.revision from pool p join benchmarks b using (place);
create temp table kept as select * from pool anti join benchmarks using (place);
"""
_SAME_SAMPLE = """
select a.place, a.place as benchmark_place, a.benchmark, 'the very same sample' as how,
    1.0::double as similarity
from asked a semi join shared s on s.place = a.place order by all
"""
_SAME_QUESTION = """
select k.place, a.place as benchmark_place, a.benchmark,
    case when k.text = a.text then 'same question and media'
         else 'same question and answer, other options' end as how, 1.0::double as similarity
from asked a join kept k on k.stem = a.stem and k.media = a.media
where k.text = a.text or (k.said = a.said and a.stem in (from long_texts))
order by all
"""
_NEAR_QUESTION = """
select k.place, a.place as benchmark_place, a.benchmark,
    case when a.media = '' then 'near question' else 'near question, same media' end as how,
    n.similarity
from (from near union all select b as a, a as b, similarity from near) n
join asked a on a.text = n.a join kept k on k.text = n.b and k.media = a.media
order by all
"""
_PICTURE_LEFT_OUT = """
select k.place, a.place as benchmark_place, a.benchmark,
    'same question and answer, without its media' as how, n.similarity
from (
    from near union all select b as a, a as b, similarity from near
    union all select text, text, 1.0::double from long_texts
) n
join asked a on a.text = n.a join kept k on k.text = n.b and k.said = a.said
where a.media <> '' and k.media = '' and a.text in (from long_texts)
order by all
"""
_CONTAINED = """
select k.place, a.place as benchmark_place, a.benchmark, 'inside a longer text' as how,
    c.share as similarity, a.text as a_text, k.text as b_text
from contained c join asked a on a.text = c.a join kept k on k.text = c.b
where a.media = '' and k.media = '' and k.text <> a.text
order by all
"""
_PICTURES = """
select media_id, any_value(phashes) as versions
from pool_media semi join {side} using (place)
where kind = 'image' and phashes is not null group by media_id order by media_id
"""
_SHOWN = """
select distinct k.place, a.place as benchmark_place, a.benchmark, a.text as a_text, k.text as b_text,
    a.said = k.said as agree, a.said, a.guess_rate, s.distance, s.version, s.difference
from same s
join pool_media x on x.media_id = s.a join asked a on a.place = x.place
join pool_media y on y.media_id = s.b join kept k on k.place = y.place
order by k.place, a.place
"""


@dataclass(frozen=True, slots=True)
class Leak:
    """A sample of the pool (its place), the one of a benchmark that it repeats, and how."""

    place: int
    benchmark: str
    benchmark_place: int
    verdict: Literal["leak", "same picture"]
    how: str
    text_similarity: float
    picture_distance: int | None = None
    picture_version: int | None = None
    pixel_difference: float | None = None

    @property
    def strength(self) -> tuple[object, ...]:
        """Order by how much a pair says; the strongest comes first."""
        bits = 0 if self.picture_distance is None else self.picture_distance
        return self.verdict != "leak", -self.text_similarity, bits, self.benchmark_place


def find_leaks(
    pool: Pool, compared: Compared, near: pa.Table, progress: Progress = silent
) -> list[Leak]:
    """Find what repeats a benchmark: of each sample and benchmark the pair that says most.

    `near` are the pairs of near texts.
    """
    if not pool.benchmarks.num_rows:
        return []
    with scratch(near=near, long_texts=_long_texts(pool.texts)) as connection:
        pool.register(connection)
        connection.execute(_SIDES)
        return _strongest(
            [
                *_by_text(connection),
                *_inside_others(connection, pool.texts),
                *_by_picture(connection, pool.texts, compared, progress),
            ]
        )


def _long_texts(texts: list[str]) -> pa.Table:
    long = [place for place, text in enumerate(texts) if text.count(" ") + 1 >= LONG]
    return pa.table({"text": pa.array(long, pa.int32())})


def _strongest(leaks: Iterable[Leak]) -> list[Leak]:
    best: dict[tuple[int, str], Leak] = {}
    for leak in sorted(leaks, key=lambda leak: leak.strength):
        best.setdefault((leak.place, leak.benchmark), leak)
    return sorted(best.values(), key=lambda leak: (leak.place, leak.benchmark))


def _by_text(connection: Connection) -> Iterator[Leak]:
    for query in (_SAME_SAMPLE, _SAME_QUESTION, _NEAR_QUESTION, _PICTURE_LEFT_OUT):
        for place, asked, benchmark, how, alike in connection.execute(query).fetchall():
            yield Leak(place, benchmark, asked, "leak", how, alike)


def _inside_others(connection: Connection, texts: list[str]) -> Iterator[Leak]:
    """Find questions of a benchmark that stand, with their numbers, in a longer text."""
    ours, theirs = (
        [
            row[0]
            for row in connection.execute(f"select distinct text from {side} order by 1").fetchall()
        ]
        for side in ("asked", "kept")
    )
    found = contained_texts([texts[t] for t in ours], [texts[t] for t in theirs], n=LONG)
    a, b = (
        pa.array(np.array(ids, np.int32)[found[name].to_numpy()])
        for ids, name in ((ours, "a"), (theirs, "b"))
    )
    connection.register("contained", pa.table({"a": a, "b": b, "share": found["share"]}))
    for *row, a_text, b_text in connection.execute(_CONTAINED).fetchall():
        place, asked, benchmark, how, share = row
        if contains_numbers(texts[b_text], texts[a_text]):
            yield Leak(place, benchmark, asked, "leak", how, share)


def _by_picture(
    connection: Connection, texts: list[str], compared: Compared, progress: Progress
) -> Iterator[Leak]:
    """Find samples that show a benchmark's picture, and say whether they ask what it asks."""
    connection.register("same", _same_pictures(connection, compared, progress))
    for row in connection.execute(_SHOWN).to_arrow_table().to_pylist():
        alike = similarity(texts[row["a_text"]], texts[row["b_text"]])
        leaks = _asks_the_same(row, alike, texts)
        yield Leak(
            row["place"],
            row["benchmark"],
            row["benchmark_place"],
            "leak" if leaks else "same picture",
            "same picture and question" if leaks else "same picture, another question",
            *(alike, row["distance"], row["version"], row["difference"]),
        )


def _asks_the_same(row: dict[str, Any], alike: float, texts: list[str]) -> bool:
    if row["agree"] and not row["guess_rate"] and len(row["said"]) >= TELLING_ANSWER:
        return True
    if row["agree"]:
        return alike >= HALF and not told_apart(texts[row["a_text"]], texts[row["b_text"]])
    return alike >= ALIKE and not told_apart(texts[row["a_text"]], texts[row["b_text"]])


def _same_pictures(connection: Connection, compared: Compared, progress: Progress) -> pa.Table:
    """Give the pairs of media (a of a benchmark, b of the pool) that show the same."""
    ours, theirs = (
        connection.execute(_PICTURES.format(side=side)).to_arrow_table()
        for side in ("asked", "kept")
    )
    rows = list(_candidates(ours, theirs))
    kept = []
    for number, (a, b, distance, version) in enumerate(rows, start=1):
        progress("pictures compared with benchmarks", number, len(rows))
        apart = compared.difference(a, b, version)
        if apart <= SAME:
            kept.append((a, b, distance, version, apart))
    names = ("a", "b", "distance", "version", "difference")
    types = (pa.string(), pa.string(), pa.int32(), pa.int32(), pa.float64())
    columns = zip(*kept, strict=True) if kept else ([],) * len(names)
    return pa.table(
        {n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)}
    )


def _candidates(ours: pa.Table, theirs: pa.Table) -> Iterator[tuple[str, str, int, int]]:
    if not ours.num_rows or not theirs.num_rows:
        return
    versions = np.array(ours["versions"].to_pylist(), np.int64)
    others = np.array([hashes[0] for hashes in theirs["versions"].to_pylist()], np.int64)
    a_ids, b_ids = ours["media_id"].to_pylist(), theirs["media_id"].to_pylist()
    for pair in near_versions(versions, others).to_pylist():
        yield a_ids[pair["a"]], b_ids[pair["b"]], pair["distance"], pair["version"]
