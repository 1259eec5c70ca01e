"""`curricle serve`: the workspace's schedule, kept running."""

from datetime import datetime

from flows.cli.common import DEFAULTS, Common
from pipelines.workspace import WrongUse


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    worker: bool = True,
    worker_only: bool = False,
    limit: int | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Run what prefect.yaml says, when it says so, until stopped (Ctrl-C).

    Joins the Prefect server of PREFECT_API_URL, or of Prefect's profile, else starts one with its
    database in the workspace; deploys; and runs a worker. What dies of these is started again, and
    a run that died is marked crashed and does not block the next one.

    Parameters
    ----------
    host
        Address on which a server of our own listens; 127.0.0.1 unless given.
    port
        Its port; 4200 unless given.
    worker
        Whether runs are worked on here too.
    worker_only
        Only add a worker: for a further machine, with PREFECT_API_URL saying where the server is
        and the workspace at the same path.
    limit
        Most runs that this worker works on at once.
    """
    if common.json:
        raise WrongUse("`curricle serve` has no answer to print as JSON; `curricle status` has")
    if worker_only and not worker:
        raise WrongUse("--worker-only with --no-worker leaves nothing to do")
    if worker_only and (host or port):
        raise WrongUse("--host and --port are about a server of our own; --worker-only starts none")
    from flows.serving.serving import Wish, serve

    serve(common.open(), Wish(host, port, worker, worker_only, limit), _say)


def _say(line: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {line}", flush=True)
