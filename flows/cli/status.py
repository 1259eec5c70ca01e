"""`curricle status`: what is in the workspace."""

from flows.cli.common import DEFAULTS, Common, print_table

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
    """Show what the workspace holds: corpora, policies, datasets, runs and unfinished work."""
    workspace = common.open().require()
    answers = {name: workspace.catalog.rows(query) for name, query in SECTIONS.items()}
    if common.json:
        import json

        print(json.dumps({"workspace": str(workspace.root)} | answers, indent=2, default=str))
        return
    print(workspace.root)
    for name, rows in answers.items():
        if rows:
            print(f"\n{name}")
            print_table(list(rows[0]), [list(row.values()) for row in rows])
