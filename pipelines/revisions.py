"""Revisions of a corpus: what a later one changed is superseded, what it dropped is withdrawn.

A record is known by its place, such as a line number. Where a later revision has the same sample
in another place, the record has moved, which changes nothing.
Nothing is deleted: samples, rollouts and frozen datasets stay, but what has no standing source
is no longer a candidate for new ones.
"""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from pipelines.catalog.catalog import Connection, now

_STOOD_BEFORE = """
create or replace temp table stood_before as
select distinct sample_id from sources
where corpus = ? and ended is null and revision is distinct from ?
"""
_END_UNSEEN = """
update sources set ended_revision = ?, ended_at = ?, ended = case
    when sample_id in (select sample_id from seen_sources) then 'moved'
    when source_ref in (select source_ref from seen_sources anti join stood_before using (sample_id))
        then 'superseded'
    else 'withdrawn' end
where corpus = ? and ended is null
    and (source_ref, sample_id) not in (select (source_ref, sample_id) from seen_sources)
returning ended
"""


@dataclass(frozen=True, slots=True)
class KnownCorpus:
    """What the catalog says of a corpus before it is read again."""

    revision: str = ""
    benchmark: bool = False


def known_corpus(connection: Connection, corpus: str) -> KnownCorpus:
    """Look a corpus up; one that is new has no revision."""
    row = connection.execute(
        "select revision, benchmark from corpora where corpus = ?", [corpus]
    ).fetchone()
    return KnownCorpus(row[0] or "", bool(row[1])) if row else KnownCorpus()


def settle(
    connection: Connection, corpus: str, revision: str, seen: pa.Table, records: int
) -> tuple[int, int]:
    """Close a pass over a corpus; give how many records it superseded and withdrew.

    `seen` has the `source_ref` and `sample_id` of every record that was kept. What was seen stands,
    whatever an earlier revision did to it. Only a pass under a new revision ends the others.
    """
    connection.register("seen_sources", seen)
    try:
        connection.execute(_STOOD_BEFORE, [corpus, revision])
        _stand_again(connection, corpus)
        superseded, withdrawn = 0, 0
        if revision and revision != _current(connection, corpus):
            superseded, withdrawn = _end_unseen(connection, corpus, revision)
            _note_revision(connection, corpus, revision, (records, superseded, withdrawn))
        connection.execute(
            "update corpora set complete = true, revision = coalesce(nullif(?, ''), revision) "
            "where corpus = ?",
            [revision, corpus],
        )
        return superseded, withdrawn
    finally:
        connection.unregister("seen_sources")
        connection.execute("drop table if exists stood_before")


def _current(connection: Connection, corpus: str) -> str:
    row = connection.execute("select revision from corpora where corpus = ?", [corpus]).fetchone()
    return str(row[0] or "") if row else ""


def _stand_again(connection: Connection, corpus: str) -> None:
    connection.execute(
        "update sources set ended = null, ended_revision = null, ended_at = null "
        "where corpus = ? and ended is not null "
        "and (source_ref, sample_id) in (select (source_ref, sample_id) from seen_sources)",
        [corpus],
    )


def _end_unseen(connection: Connection, corpus: str, revision: str) -> tuple[int, int]:
    ended = connection.execute(_END_UNSEEN, [revision, now(), corpus]).fetchall()
    counts = Counter(how for (how,) in ended)
    return counts["superseded"], counts["withdrawn"]


def _note_revision(
    connection: Connection, corpus: str, revision: str, counts: tuple[int, int, int]
) -> None:
    connection.execute(
        "insert into revisions select ?, ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? "
        "from revisions where corpus = ?",
        [corpus, revision, *counts, now(), corpus],
    )
