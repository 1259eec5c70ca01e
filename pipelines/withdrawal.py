"""Samples that are removed for good: for their licence, for somebody's privacy.

They go from the catalog and the media store with all that was said about them, are refused when
they come again, and the frozen versions that hold them are named, since those are on disk.
A note beside the catalog lists what is under way, so that a killed withdrawal is finished by the
next.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.catalog.catalog import Connection, now
from pipelines.workspace import Workspace, WrongUse

NOTE = ".withdrawing-"
"""Begins the name of a note; it holds media ids, and nothing that is withdrawn."""

_FAMILY = """
create temp table going as
with recursive family as (
    select sample_id from samples semi join wanted_samples using (sample_id)
    union
    select s.sample_id from samples s join family f on s.parent_id = f.sample_id
    where s.history is not null
)
select s.sample_id, s.question_id, s.corpus, s.history is not null as is_view
from samples s semi join family using (sample_id)
"""
_MEDIA = """
create temp table going_media as
select distinct media_id from sample_media semi join going using (sample_id)
where media_id not in (select media_id from sample_media anti join going using (sample_id))
"""
_COUNTS = """
select count(*) filter (not is_view)::integer as samples,
    count(*) filter (is_view)::integer as views,
    (select count(*) from going_media)::integer as media,
    (select count(*) from rollouts semi join going using (sample_id))::integer as rollouts
from going
"""
_HELD = """
select d.dataset || '@' || d.version as label, any_value(v.path) as path,
    count(distinct d.sample_id)::integer as samples
from dataset_samples d semi join going using (sample_id)
left join datasets v on v.dataset = d.dataset and v.version = d.version
group by d.dataset, d.version order by d.dataset, d.version
"""
_RUNS = "select distinct run_id from train_groups semi join going using (sample_id) order by 1"
_TOMBSTONES = """
insert into withdrawals by name
with held as (
    select sample_id, list(distinct dataset || '@' || version order by dataset || '@' || version)
        as datasets
    from dataset_samples semi join going using (sample_id) group by sample_id
)
select g.sample_id, g.question_id, coalesce(s.corpus, g.corpus) as corpus, s.source_ref,
    $reason as reason, coalesce(h.datasets, []) as datasets, $at as withdrawn_at
from going g left join sources s using (sample_id) left join held h using (sample_id)
"""
_REMOVALS = (
    "delete from rejects where (corpus, source_ref) in "
    "(select (corpus, source_ref) from sources semi join going using (sample_id))",
    "delete from grades where rollout_id in "
    "(select rollout_id from rollouts semi join going using (sample_id))",
    *(
        f"delete from {table} where sample_id in (select sample_id from going)"
        for table in (
            *("sources", "samples", "sample_media", "rollouts", "searches"),
            *("search_nodes", "search_replies", "duplicates", "leaks"),
        )
    ),
    "delete from duplicates where keeper_id in (select sample_id from going)",
    "delete from leaks where benchmark_id in (select sample_id from going)",
    "delete from alike where a_id in (select sample_id from going) "
    "or b_id in (select sample_id from going)",
    # Where it names the joint family, its id stays: the others must not fall apart over a split.
    "delete from joined_families where family_id in (select sample_id from going)",
    "delete from compared_pictures where a_media_id in (select media_id from going_media) "
    "or b_media_id in (select media_id from going_media)",
    "delete from quarantine where media_id in (select media_id from going_media)",
    "delete from media where media_id in (select media_id from going_media)",
)


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset version that holds withdrawn samples, and goes on doing so on disk."""

    label: str
    path: str
    samples: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was removed, or would be, and what is left of it elsewhere."""

    samples: int
    views: int
    media: int
    rollouts: int
    datasets: tuple[Held, ...] = ()
    runs: tuple[str, ...] = ()
    """Training runs that learned from them."""
    finished: int = 0
    """Earlier withdrawals that had been cut short, and were finished now."""


def withdraw(
    workspace: Workspace, sample_ids: Sequence[str], *, reason: str, dry_run: bool = False
) -> Withdrawn:
    """Remove samples and their views for good, with all that was said about them.

    Raises WrongUse without a reason, or when none of the samples is there and no earlier
    withdrawal was left to finish.
    """
    if not reason.strip():
        raise WrongUse("say why they are withdrawn with --reason; the catalog keeps it")
    if dry_run:
        with workspace.catalog.read() as connection:
            return _choose(connection, sample_ids)
    left = _notes(workspace)
    note = workspace.root / f"{NOTE}{uuid.uuid4().hex}"
    with workspace.catalog.write() as connection:
        chosen = _choose(connection, sample_ids)
        if not chosen.samples + chosen.views and not left:
            raise WrongUse("none of these samples is in the catalog; `withdrawals` lists the gone")
        # Noted before the commit: what is not removed in the end still has its row, and stays.
        note.write_text(json.dumps(_ids(connection, "select media_id from going_media order by 1")))
        connection.execute(_TOMBSTONES, {"reason": reason, "at": now()})
        for removal in _REMOVALS:
            connection.execute(removal)
    finish(workspace)
    return replace(chosen, finished=len(left))


def unfinished(workspace: Workspace) -> bool:
    """Whether a withdrawal was cut short."""
    return bool(_notes(workspace))


def finish(workspace: Workspace) -> int:
    """Do what is left of withdrawals that were committed; give how many there were.

    Their media files go, and the catalog is written anew: the old file still holds their texts
    in blocks that are free.
    """
    notes = _notes(workspace)
    if not notes:
        return 0
    named = {media_id for note in notes for media_id in _read_note(note)}
    with workspace.catalog.read() as connection:
        connection.register("named", pa.table({"media_id": pa.array(sorted(named), pa.string())}))
        gone = _ids(connection, "select media_id from named anti join media using (media_id)")
    for media_id in gone:
        workspace.media.path(media_id).unlink(missing_ok=True)
    workspace.catalog.compact()
    workspace.catalog.snapshot()
    for note in notes:
        note.unlink(missing_ok=True)
    return len(notes)


def samples_of_corpus(catalog: Catalog, corpus: str, source_ref: str = "*") -> list[str]:
    """Give the samples of a corpus whose record's reference fits a pattern such as `train*:1*`.

    Raises WrongUse where there are none.
    """
    rows = catalog.rows(
        "select distinct sample_id from sources where corpus = ? and source_ref glob ? order by 1",
        *(corpus, source_ref),
    )
    if not rows:
        raise WrongUse(f"no sample came from {source_ref!r} of corpus {corpus!r}")
    return [row["sample_id"] for row in rows]


def withdrawn_questions(connection: Connection) -> frozenset[str]:
    """Give the questions that may not come back."""
    rows = connection.execute("select distinct question_id from withdrawals").fetchall()
    return frozenset(question_id for (question_id,) in rows)


def _choose(connection: Connection, sample_ids: Sequence[str]) -> Withdrawn:
    """Note in temporary tables what would go, and give what that comes to."""
    wanted = pa.table({"sample_id": pa.array(sample_ids, pa.string())})
    connection.register("given_ids", wanted)
    connection.execute("create temp table wanted_samples as from given_ids")
    connection.unregister("given_ids")
    connection.execute(_FAMILY)
    connection.execute(_MEDIA)
    (counts,) = connection.execute(_COUNTS).to_arrow_table().to_pylist()
    held = tuple(Held(*row) for row in connection.execute(_HELD).fetchall())
    return Withdrawn(**counts, datasets=held, runs=tuple(_ids(connection, _RUNS)))


def _ids(connection: Connection, query: str) -> list[str]:
    return [found for (found,) in connection.execute(query).fetchall()]


def _notes(workspace: Workspace) -> list[Path]:
    return sorted(workspace.root.glob(f"{NOTE}*"))


def _read_note(note: Path) -> list[str]:
    """Read a note; one that was cut short was never committed, and names nothing."""
    try:
        named: list[str] = json.loads(note.read_text())
    except ValueError:
        return []
    return named
