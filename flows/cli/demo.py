"""`curricle demo`: the whole job on data made on the spot, narrated."""

import logging
import os
import time
from typing import Any

from flows.cli.common import DEFAULTS, Common, bars, print_table, show
from pipelines.workspace import CONFIG_NAME, Workspace

QUERIES = (
    "select task, count(*) samples, avg(pass_rate) pass_rate, avg(n) tries\n"
    "        from difficulty join samples using (sample_id) group by task order by pass_rate",
    "select stage, count(*) samples, min(pass_rate) hardest, max(pass_rate) easiest\n"
    "        from dataset_samples where dataset = 'demo' group by stage order by stage",
    "select s.task, count(*) samples, avg(d.pass_rate) scored, avg(l.last_pass_rate) trained\n"
    "        from learning l join difficulty d using (sample_id, policy_id)\n"
    "        join samples s using (sample_id) group by s.task order by trained - scored desc",
)


def demo(*, common: Common = DEFAULTS) -> None:
    """Run the whole job on data made on the spot: corpora in, views, difficulty, curation, GRPO.

    Again, it finds everything done. It runs the flow that a schedule runs, and what it does is
    written in the workspace's curricle.toml, to be changed and run again.
    """
    from flows.cli.init import write_example

    started = time.monotonic()
    workspace = common.open()
    if not (workspace.root / CONFIG_NAME).exists():
        write_example(workspace.root, "demo")
    _prefect_at_home(workspace)
    if not common.json:
        _narrate()
        print(f"Curricle's demo, in {workspace.root}")
        print("The flow starts (the first time takes a moment: Prefect makes its database).")
    from flows.narration import watched
    from flows.refresh import refresh

    with bars() as progress, watched(progress):
        done = refresh(str(workspace.root))
    if common.json:
        show(done, common, ())
        return
    _conclude(workspace, done)
    print(f"\nThe demo took {time.monotonic() - started:.0f} s.")


def _prefect_at_home(workspace: Workspace) -> None:
    """Keep what Prefect remembers in the workspace, and its log to itself."""
    from flows.serving.api import Api
    from flows.serving.home import home, served_url

    url = served_url(workspace)
    if url and "PREFECT_API_URL" not in os.environ and Api(url).answers():
        os.environ["PREFECT_API_URL"] = url  # of `curricle serve`, which has the database open
    if "PREFECT_API_URL" not in os.environ:
        os.environ.setdefault("PREFECT_HOME", str(home(workspace)))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ["PREFECT_LOGGING_EXTRA_LOGGERS"] = ""


class _Plain(logging.Handler):
    """Prints what a flow says; a line that starts with # is the title of a stage."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        print(f"\n{text[2:]}" if text.startswith("# ") else f"  {text}", flush=True)


def _narrate() -> None:
    log = logging.getLogger("curricle")
    log.handlers = [_Plain()]
    log.setLevel(logging.INFO)
    log.propagate = False


def _conclude(workspace: Workspace, done: dict[str, Any]) -> None:
    runs = workspace.catalog.rows("from runs order by started_at")
    by_run = {row["run_id"]: row for row in runs}
    rows = [_row(by_run[result["run_id"]], result) for result in done.get("train", [])]
    print("\nHeld-out accuracy, sampled, on questions made from sources never trained on")
    print_table(("trained on", "before", "after", "points", "rollouts", "no signal"), rows)
    print("\nWhere everything lies")
    for name, place in {
        "settings and plan": f"{CONFIG_NAME}, plans/",
        "catalog": "catalog.duckdb (open catalog.ro.duckdb from other programs)",
        "datasets": "datasets/ (each version with shards, manifest and card)",
        "trained policies": "runs/*/final (folders that transformers loads)",
        "data cards": "data_cards/",
    }.items():
        print(f"  {name + ':':19}{workspace.root}/{place}")
    print("\nThree queries to try")
    here = "" if workspace.root.name == "curricle-workspace" else f" --workspace {workspace.root}"
    for query in QUERIES:
        print(f'  curricle sql "{query}"{here}')


def _row(run: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    import json

    before, after = result["before"], result["after"]
    config = json.loads(run["config"])
    rollouts = result["steps"] * config["prompts_per_step"] * config["num_generations"]
    return (
        f"{run['dataset']}@{run['version']}",
        f"{before['accuracy']:.1%}",
        f"{after['accuracy']:.1%} [{after['low']:.1%}, {after['high']:.1%}]",
        f"{100 * (after['accuracy'] - before['accuracy']):+.1f}",
        f"{rollouts:,}",
        f"{result['zero_advantage_share']:.0%}",
    )
