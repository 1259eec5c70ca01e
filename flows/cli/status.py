"""`curricle status`: what is in the workspace, and what its schedule did and will do."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from flows.cli.common import DEFAULTS, Common, print_table
from pipelines.workspace import Failed, Workspace

if TYPE_CHECKING:
    from flows.serving.overview import Deployed

_SERVER_SECONDS = 5.0
"""How long a server may take for one answer; where none is, that is known at once."""

SECTIONS = {
    "corpora": """
        select c.corpus, any_value(c.licence) as licence,
            (select count(*) from sources s where s.corpus = c.corpus) as records,
            (select count(*) from samples s where s.corpus = c.corpus and s.history is null)
                as samples,
            (select count(*) from samples s where s.corpus = c.corpus and s.history is not null)
                as views,
            (select count(*) from rejects r where r.corpus = c.corpus) as rejected,
            bool_or(c.complete) as complete
        from corpora c group by c.corpus order by c.corpus""",
    "policies": """
        select p.name as policy, p.kind, left(p.policy_id, 12) as id, count(d.sample_id) as scored,
            coalesce(sum(d.n), 0)::bigint as tries, avg(d.pass_rate) as mean_pass_rate
        from policies p left join difficulty d using (policy_id) group by all order by all""",
    "datasets": """
        select dataset, version, kind, n_rows, predicted_zero_advantage, created_at
        from datasets order by dataset, version""",
    "runs": """
        select left(run_id, 12) as run, dataset, version, status, seed, started_at, ended_at
        from runs order by started_at""",
    "unfinished work": """
        select kind, count(*) as units, min(planned_at) as planned
        from units where status = 'planned' group by kind order by kind""",
}


def status(*, common: Common = DEFAULTS) -> None:
    """Show what the workspace holds: corpora, policies, datasets, runs and unfinished work.

    Where `curricle serve` runs its schedule, also each deployment's next runs and how past ones
    ended; `skipped` ones were due while the one before was still busy.
    """
    workspace = common.open().require()
    answers = {name: workspace.catalog.rows(query) for name, query in SECTIONS.items()}
    server, schedule = _schedule(workspace)
    if common.json:
        import json

        known = None if schedule is None else [asdict(one) for one in schedule]
        facts = {"workspace": str(workspace.root)} | answers
        print(json.dumps(facts | {"server": server, "schedule": known}, indent=2, default=str))
        return
    print(workspace.root)
    for name, rows in answers.items():
        if rows:
            print(f"\n{name}")
            print_table(list(rows[0]), [list(row.values()) for row in rows])
    if server and schedule is None:
        print(f"\nschedule: no server answers at {server}; `curricle serve` runs one")
    if schedule:
        print(f"\nschedule, on {server.removesuffix('/api')}")
        print_table(("deployment", "when", "next", "last", *schedule[0].ended), map(_row, schedule))


def _schedule(workspace: Workspace) -> "tuple[str, list[Deployed] | None]":
    """Ask the server that the workspace is served by: its address, and what it knows if it answers."""
    from flows.serving.home import served_url, tag

    url = served_url(workspace)
    if not url:
        return "", None
    from flows.serving.api import Api
    from flows.serving.overview import overview

    try:
        return url, overview(Api(url, timeout=_SERVER_SECONDS), tag(workspace))
    except Failed:
        return url, None


def _row(one: "Deployed") -> tuple[object, ...]:
    following = ", ".join(f"{moment:%a %d %b %H:%M %Z}" for moment in one.next_runs[:2])
    return one.name, ", ".join(one.schedules), following, one.last, *one.ended.values()
