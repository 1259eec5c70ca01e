"""Two commands at once: the second waits, or is told who is in its way; the dead are in nobody's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Cli

from pipelines.workspace import Workspace

MAIN = "from flows.cli.main import main; main()"
HOLD = """
import sys, time
from pathlib import Path
from pipelines.catalog import Catalog
with Catalog(Path(sys.argv[1])).write() as connection:
    connection.execute("insert into corpora (corpus) values ('held')")
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(root: Path, seconds: float) -> "subprocess.Popen[str]":
    """Start a process that is in the middle of a burst for a while."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_command_is_told_who_holds_the_workspace_and_a_dead_one_holds_nothing(
    cli: Cli,
) -> None:
    assert cli("init").code == 0
    first = holder(cli.root, 60)
    for words in (("ingest", "sums", "--size", "6"), ("status",)):
        said = cli(*words, "--lock-timeout", "0.2")
        assert said.code == 1
        assert said.is_one_sentence, said.err
        assert f"process {first.pid}" in said.err
        assert "--lock-timeout" in said.err
    first.kill()
    first.wait()
    assert Workspace(cli.root).catalog.rows("from corpora") == []
    assert cli("ingest", "sums", "--size", "6", "--no-clean", "--lock-timeout", "0.2").code == 0


def test_readers_and_writers_wait_for_a_burst_and_then_see_it(cli: Cli) -> None:
    assert cli("init").code == 0
    first = holder(cli.root, 0.5)
    catalog = Workspace(cli.root, lock_timeout=30).catalog
    assert catalog.rows("select corpus from corpora") == [{"corpus": "held"}]
    with catalog.write() as connection:
        connection.execute("delete from corpora")
    assert first.wait(timeout=30) == 0


@pytest.mark.slow
def test_two_commands_that_ingest_at_once_both_end_and_lose_nothing(cli: Cli) -> None:
    assert cli("init").code == 0
    words = ["--size", "200", "--no-clean", "--workspace", str(cli.root)]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", MAIN, "ingest", name, *words],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in ("sums", "beeps")
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    for name in ("sums", "beeps"):
        again = cli("ingest", name, *words[:3])
        assert (again.code, " 0 new samples" in again.out) == (0, True), again.out
