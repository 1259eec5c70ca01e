"""Flows: what Prefect costs around the very functions that a flow calls, with a standing server.

20,000 questions come in and are compared with each other, once by the plain functions and once by
the flow `ingest`, with its tasks, its retries and its artifacts; then ten questions, where almost
nothing but the flow's own cost is left. Every round has workspaces of its own; what they hold in
the end is compared. The wanted limit: 3% of the functions' time and 1.5 s on top.
"""

import argparse
import atexit
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from measuring import Timed, finish, interleaved, peak_megabytes

SHARE, SECONDS = 0.03, 1.5
WORDS = [
    a + b for a in "bdfgklmnprst" for b in ("am", "el", "ino", "ora", "uck", "ym", "est", "ip")
]
SETTINGS = '[[corpora]]\nname = "gsm8k"\npath = "{}"\n'


def make_corpus(root: Path, records: int) -> Path:
    """Write questions in the layout of GSM8K, none like another."""
    rng = random.Random(0)
    folder = root / "grade_school_math" / "data"
    folder.mkdir(parents=True)
    with (folder / "train.jsonl").open("w") as file:
        for number in range(records):
            said = " ".join(rng.choices(WORDS, k=24))
            row = {"question": f"{said} {number}?", "answer": f"It is so.\n#### {number}"}
            file.write(json.dumps(row) + "\n")
    (folder / "test.jsonl").write_text("")
    return root


def stand_up_a_server(home: Path) -> None:
    """Start a server as `curricle serve` does, for this process and until it ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    atexit.register(server.wait)
    atexit.register(server.terminate)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{os.environ['PREFECT_API_URL']}/health").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise RuntimeError("the Prefect server did not start")


def contenders(corpus: Path, scratch: Path, name: str) -> dict[str, Callable[[], object]]:
    """The functions, and the flow around them, each time in a workspace of its own."""
    from flows import stages
    from flows.ingest import ingest
    from flows.settings import read_settings
    from pipelines.workspace import Workspace

    def fresh() -> Workspace:
        workspace = Workspace(Path(tempfile.mkdtemp(dir=scratch)))
        (workspace.root / "curricle.toml").write_text(SETTINGS.format(corpus))
        return workspace

    def held(workspace: Workspace) -> object:
        found = workspace.catalog.rows("select count(*), bit_xor(hash(sample_id)) from samples")
        shutil.rmtree(workspace.root)
        return found

    def functions() -> object:
        workspace = fresh()
        settings = read_settings(workspace)
        for one in settings.corpora:
            stages.ingest(workspace, one, engine=settings.engine)
        stages.clean(workspace)
        return held(workspace)

    def flow() -> object:
        workspace = fresh()
        ingest(str(workspace.root))
        return held(workspace)

    return {f"functions, {name}": functions, f"flow, {name}": flow}


def show(timed: dict[str, Timed]) -> None:
    print(f"{'contender':28}{'median s':>10}{'CPU s':>8}")
    for name, one in timed.items():
        print(f"{name:28}{one.median:10.2f}{statistics.median(one.cpu_seconds):8.2f}")


def cost(timed: dict[str, Timed]) -> tuple[Timed, float, float]:
    """The functions, and what the flow took more than they did: of the clock, of the processor."""
    functions, flow = timed.values()
    cpu = statistics.median(flow.cpu_seconds) - statistics.median(functions.cpu_seconds)
    return functions, flow.median - functions.median, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    records, rounds = (2_000, 1) if options.quick else (20_000, options.rounds)
    scratch = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    stand_up_a_server(scratch / "prefect")
    few = contenders(make_corpus(scratch / "few", 10), scratch, "10 rows")
    for warm_up in few.values():
        warm_up()
    many = contenders(make_corpus(scratch / "many", records), scratch, f"{records:,} rows")
    of_few, of_many = interleaved(few, rounds), interleaved(many, rounds)
    show(of_few | of_many)
    print(f"peak memory of the whole run: {peak_megabytes():.0f} MB")
    functions, more, more_cpu = cost(of_many)
    allowed = SHARE * functions.median + SECONDS
    print(
        f"the flow took {more:.2f} s more ({more_cpu:.2f} s of processor); wanted {allowed:.2f} s"
    )
    finish(
        "flows",
        {
            "flow/functions": round(1 + more / functions.median, 3),
            "more seconds": round(more, 2),
            "wanted seconds": round(allowed, 2),
            "more seconds at 10 rows": round(cost(of_few)[1], 2),
        },
    )


if __name__ == "__main__":
    main()
