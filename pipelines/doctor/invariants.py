"""What must hold between the catalog's rows. No constraint keeps it: our writing does."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.catalog import Catalog
from pipelines.catalog.catalog import Connection
from pipelines.doctor.finding import Finding, Severity

SHOWN = 20
"""Most rows of a kind that a finding names."""

RESTORE = "restore a backup; rows like these are not written by Curricle"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A query that gives no row where all is well, else `thing` of each that is not."""

    check: str
    table: str
    query: str
    what: str
    """Stands before the number of rows."""
    todo: str = RESTORE
    severity: Severity = "broken"


KEYS = {
    "samples": "sample_id",
    "sources": "corpus, source_ref, sample_id",
    "sample_media": "sample_id, position",
    "media": "media_id",
    "corpora": "corpus",
    "policies": "policy_id",
    "templates": "template_id",
    "rollouts": "rollout_id",
    "grades": "rollout_id, reward_id, attempt",
    "units": "unit_id",
    "datasets": "dataset, version",
    "dataset_samples": "dataset, version, position",
    "runs": "run_id",
    "train_steps": "run_id, step, attempt",
}
"""What there may be only one row of, by table."""

INVARIANTS = (
    Invariant(
        "source_without_sample",
        "sources",
        "select corpus || ' ' || source_ref as thing from sources anti join samples using (sample_id)",
        "records that name samples that are not there",
        "ingest their corpora again",
    ),
    Invariant(
        "sample_without_source",
        "samples",
        "select sample_id as thing from samples anti join sources using (sample_id) "
        "where history is null",
        "samples that come from no record of any corpus, so that no plan chooses them",
        "ingest their corpora again",
    ),
    Invariant(
        "view_without_parent",
        "samples",
        "select v.sample_id as thing from samples v anti join samples p on p.sample_id = v.parent_id "
        "where v.history is not null",
        "views whose parents are not here, so that no plan chooses them",
        "ingest the corpora of their parents; a restored dataset version may lack them",
        "notice",
    ),
    Invariant(
        "rollout_without_sample",
        "rollouts",
        "select rollout_id as thing from rollouts anti join samples using (sample_id)",
        "rollouts that answer samples that are not there",
    ),
    Invariant(
        "rollout_without_policy",
        "rollouts",
        "select rollout_id as thing from rollouts anti join policies using (policy_id)",
        "rollouts of policies that are not there",
    ),
    Invariant(
        "rollout_without_unit",
        "rollouts",
        "select r.rollout_id as thing from rollouts r anti join units u using (unit_id) "
        "where r.unit_id <> ''",  # rollouts of others come without one
        "rollouts of no unit of work",
    ),
    Invariant(
        "grade_without_rollout",
        "grades",
        "select rollout_id as thing from grades anti join rollouts using (rollout_id)",
        "grades of rollouts that are not there",
    ),
    Invariant(
        "difficulty_out_of_range",
        "difficulty",
        "select sample_id as thing from difficulty where not (successes between 0 and n) "
        "or not (pass_rate between 0 and 1) or not (0 <= ci_low and ci_low <= ci_high and ci_high <= 1)",
        "rows of `difficulty` that are out of range",
    ),
    Invariant(
        "dataset_row_without_sample",
        "dataset_samples",
        "select d.dataset || '@' || d.version || ' position ' || d.position as thing "
        "from dataset_samples d anti join samples s using (sample_id) "
        "where d.sample_id not in (select sample_id from withdrawals)",
        "rows of datasets that name samples that are not there",
        "bring the versions in again from their shards with `curricle restore`",
    ),
    Invariant(
        "dataset_row_without_version",
        "dataset_samples",
        "select distinct d.dataset || '@' || d.version as thing from dataset_samples d "
        "anti join datasets v on v.dataset = d.dataset and v.version = d.version",
        "versions that have rows and are not registered",
    ),
    Invariant(
        "corpus_cut_short",
        "corpora",
        "select corpus as thing from corpora where not complete order by corpus",
        "corpora that came in only in part",
        "ingest them again",
        "notice",
    ),
    Invariant(
        "unit_unfinished",
        "units",
        "select kind || ' of ' || job as thing from units where status = 'planned' "
        "and planned_at < (now() at time zone 'UTC') - interval 1 day order by planned_at",
        "units of work that were planned more than a day ago and never finished",
        "run the same command again, which goes on where it stopped",
        "notice",
    ),
    Invariant(
        "difficulty_stale",
        "difficulty",
        "select sample_id as thing from difficulty where stale",
        "rows of `difficulty` of a policy, template or reward that has a newer one",
        "score again, where a plan should look at the newer one",
        "notice",
    ),
    *(
        Invariant(
            "duplicate_keys",
            table,
            f"select concat_ws(' ', {key}) as thing from {table} group by {key} having count(*) > 1",
            f"rows of `{table}` that are there more than once (by {key})",
        )
        for table, key in KEYS.items()
    ),
)


def check_rows(catalog: Catalog) -> Iterator[Finding]:
    """Ask every invariant, in one burst."""
    with catalog.read() as connection:
        found = [_asked(connection, invariant) for invariant in INVARIANTS]
    yield from (finding for finding in found if finding is not None)


def _asked(connection: Connection, invariant: Invariant) -> Finding | None:
    rows = connection.execute(
        f"select thing, count(*) over () as n from ({invariant.query}) limit {SHOWN}"
    ).fetchall()
    if not rows:
        return None
    return Finding(
        check=invariant.check,
        where=invariant.table,
        severity=invariant.severity,
        what=f"{invariant.what}: {rows[0][1]:,}",
        todo=invariant.todo,
        things=tuple(str(thing) for thing, _ in rows),
    )
