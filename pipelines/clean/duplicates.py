"""Samples that ask the same of the same: which are one, and which contradict each other.

The joint rule: it takes the same question (or nearly, with the same numbers), media that show
the same, and the same answer. The same picture with another question is not a duplicate, nor
is the same diagram with another number.
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
from pipelines.clean.near_texts import near_texts
from pipelines.clean.pixels import SAME
from pipelines.clean.pool import Pool
from pipelines.clean.texts import similarity, speaks_of_sides, told_apart
from pipelines.workspace import Progress, silent

SHARED = 0.5
"""Of all 3-grams, boilerplate included: what near texts must share, too."""
CONTENT = "same question and media"
NEAR_TEXT = "near question, same media"
NEAR_PICTURE = "same question, near picture"
NEAR_BOTH = "near question, near picture"

_CHOSEN = """
create temp table chosen as
select p.*, m.phashes[1] as hash from pool p
left join pool_media m on m.place = p.place and m.position = 0 and p.pictures > 0
qualify row_number() over (partition by p.text, p.media, p.said order by p.place) = 1
"""
_SAME_CONTENT = """
with groups as (
    select place, min(place) over (partition by text, media, said) as stays,
        min(place) over (partition by text, media) as first
    from pool
)
select stays as a, place as b, 'duplicate' as verdict from groups where place > stays
union all
select first, place, 'conflict' from groups where place = stays and place > first
order by all
"""
_NEAR_TEXT = """
select least(x.place, y.place) as a, greatest(x.place, y.place) as b, n.similarity
from near n join chosen x on x.text = n.a
join chosen y on y.text = n.b and y.media = x.media and y.said = x.said
order by all
"""
_HASHES = """
select hash, any_value(phashes) as versions
from chosen join pool_media using (place) where position = 0 and hash is not null
group by hash order by hash
"""
_NEAR_PICTURE = """
with pictures as (select c.*, h.id from chosen c join hashes h using (hash)),
pairs as (
    select a, b, distance, version from near_pictures where a <> b
    union all select id, id, 0, 0 from hashes
),
alike_texts as (
    select a, b, similarity from near union all select b, a, similarity from near
    union all select distinct text, text, 1.0 from chosen
)
select x.place as a, y.place as b, x.text, t.similarity, x.said = y.said as agree,
    p.distance::integer as distance, p.version::integer as version,
    (select list(media_id order by position) from pool_media m where m.place = x.place) as ours,
    (select list(media_id order by position) from pool_media m where m.place = y.place) as theirs
from pairs p
join pictures x on x.id = p.a
join alike_texts t on t.a = x.text
join pictures y on y.id = p.b and y.text = t.b and y.pictures = x.pictures
where x.place < y.place and x.media <> y.media and x.family_id <> y.family_id
    and (x.said = y.said
        or (x.text = y.text and x.answer_kind not in ('box', 'boxes', 'point')))
qualify row_number() over (partition by x.place, y.place order by p.distance, p.version) = 1
order by a, b
"""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two samples (their places in the pool, the one that would stay first) and what was measured."""

    a: int
    b: int
    verdict: Literal["duplicate", "conflict"]
    how: str
    text_similarity: float = 1.0
    picture_distance: int | None = None
    picture_version: int | None = None
    pixel_difference: float | None = None


def alike_samples(
    pool: Pool, compared: Compared, near: pa.Table, progress: Progress = silent
) -> list[Alike]:
    """Find the pairs that are duplicates or in conflict; `near` are the pairs of near texts."""
    with scratch(near=near) as connection:
        pool.register(connection)
        connection.execute(_CHOSEN)
        content = connection.execute(_SAME_CONTENT).fetchall()
        texts = connection.execute(_NEAR_TEXT).fetchall()
        pictures = _near_pictures(connection)
    return [
        *(Alike(a, b, verdict, CONTENT) for a, b, verdict in content),
        *(Alike(a, b, "duplicate", NEAR_TEXT, near_by) for a, b, near_by in texts),
        *_same_pictures(pictures, pool, compared, progress),
    ]


def near_questions(pool: Pool) -> pa.Table:
    """Give the pairs of texts that are one question in other words, with their similarity."""
    found = near_texts(pool.texts)
    kept = [
        not told_apart(first, second) and similarity(first, second) >= SHARED
        for first, second in _words_of(found, pool.texts)
    ]
    return found.filter(pa.array(kept, pa.bool_()))


def repeated(alike: Iterable[Alike]) -> dict[int, Alike]:
    """Say which samples repeat one that stays, by place, with the pair that shows it.

    Of two the first stays, unless it repeats another itself; so each sample that goes repeats
    one that stays, and not one that goes, too.
    """
    pairs = sorted((p for p in alike if p.verdict == "duplicate"), key=lambda p: (p.b, p.a))
    gone: dict[int, Alike] = {}
    for pair in pairs:
        if pair.b in gone:
            continue
        if pair.a not in gone:
            gone[pair.b] = pair
        elif pair.how == CONTENT:  # what holds for one holds for the other
            gone[pair.b] = gone[pair.a]
    return gone


def joined(alike: Iterable[Alike], families: list[str]) -> dict[str, str]:
    """Join the families of samples that are alike; give the joint name of each that was joined."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name] = parent.get(parent[name], parent[name])
        return name

    for pair in alike:
        first, second = sorted((root(families[pair.a]), root(families[pair.b])))
        parent[second] = first
        parent.setdefault(first, first)
    return {name: root(name) for name in sorted(parent)}


def _near_pictures(connection: Connection) -> list[dict[str, Any]]:
    hashes = connection.execute(_HASHES).to_arrow_table()
    if not hashes.num_rows:
        return []
    versions = np.array(hashes["versions"].to_pylist(), np.int64)
    ids = pa.array(range(hashes.num_rows), pa.int64())
    connection.register("hashes", pa.table({"hash": hashes["hash"], "id": ids}))
    connection.register("near_pictures", near_versions(versions, versions[:, 0].copy()))
    rows: list[dict[str, Any]] = connection.execute(_NEAR_PICTURE).to_arrow_table().to_pylist()
    return rows


def _same_pictures(
    pairs: list[dict[str, Any]], pool: Pool, compared: Compared, progress: Progress
) -> Iterator[Alike]:
    """Keep the pairs whose pictures show the same, down to a printed number."""
    for number, pair in enumerate(pairs, start=1):
        progress("pictures compared", number, len(pairs))
        version = pair["version"]
        if version and speaks_of_sides(pool.texts[pair["text"]]):
            continue
        media = zip(pair["ours"], pair["theirs"], strict=True)
        apart = max(compared.difference(ours, theirs, version) for ours, theirs in media)
        if apart <= SAME:
            yield Alike(
                pair["a"],
                pair["b"],
                "duplicate" if pair["agree"] else "conflict",
                NEAR_PICTURE if pair["similarity"] == 1 else NEAR_BOTH,
                *(pair["similarity"], pair["distance"], version, apart),
            )


def _words_of(pairs: pa.Table, texts: list[str]) -> Iterator[tuple[str, str]]:
    for a, b in zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True):
        yield texts[a], texts[b]
