"""A command that somebody stops ends in order, with the usual exit code, and goes on later."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ingest_process
import pytest
from commands import Cli, ended, started
from scripts import asker, filled, sometimes

import pipelines.ingest
import pipelines.record.media
from pipelines.catalog import catalog, ledger
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.forecast import pace
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace

SECOND_BURST = """
import os, signal
import pipelines.catalog.catalog as catalog, pipelines.ingest as ingest
ingest.BATCH, ingest.BURST = 20, 40
keep, bursts = ingest._keep, []
def struck(*given):
    keep(*given)
    bursts.append(1)
    if len(bursts) == 2:
        os.kill(os.getpid(), signal.{signal})
ingest._keep = struck
"""
AND_AGAIN = """
undo = catalog._rollback
def impatient(connection):
    os.kill(os.getpid(), signal.SIGINT)
    undo(connection)
catalog._rollback = impatient
"""


@pytest.mark.parametrize(
    ("sent", "more", "code"),
    [
        ("SIGTERM", "", 143),
        pytest.param("SIGINT", "", 130, marks=pytest.mark.slow),
        pytest.param("SIGINT", AND_AGAIN, -signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_an_ingest_that_is_stopped_keeps_whole_bursts_and_goes_on(
    cli: Cli, sent: str, more: str, code: int
) -> None:
    words = ("ingest", "sums", "--size", "90", "--no-clean")
    process = started(
        [*words, "--workspace", str(cli.root)], before=SECOND_BURST.format(signal=sent) + more
    )
    said = ended(process)
    assert said.code == code, said.err
    assert "Traceback" not in said.err
    if not more:
        assert said.err == "curricle: stopped; the same command again goes on from here\n"
    workspace = Workspace(cli.root)
    records = "select count(*) as n from sources"
    assert workspace.catalog.rows(records) == [{"n": 40}]
    again = json.loads(cli(*words, "--json").out)
    assert workspace.catalog.rows(records) == [{"n": again["read"]}]
    assert again["new"] < again["read"] > 40


@pytest.mark.slow
def test_a_clock_that_is_set_back_or_ahead_changes_no_evidence(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = asker(workspace, sometimes([0.2, 0.5, 0.8, 1.0]))
    ids = filled(workspace, 4)
    job = PassRateJob(workspace.catalog, who, StoppingRule(cap=8), batch=2)
    job.run(ids[:2])
    before = workspace.catalog.rows("select * exclude (last_asked) from difficulty order by all")
    for years in (-30, 30):
        then = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=365 * years)
        for module in (catalog, ledger):
            monkeypatch.setattr(module, "now", lambda then=then: then)
        job.run(ids if years > 0 else ids[:3])
    after = workspace.catalog.rows("select * exclude (last_asked) from difficulty order by all")
    assert [row for row in after if row["sample_id"] in ids[:2]] == before
    assert len(after) == 4
    units = workspace.catalog.rows("select status, max(attempt) as attempt from units group by all")
    assert units == [{"status": "done", "attempt": 1}]
    assert (pace(workspace.catalog, who).seconds or 0) >= 0


def test_a_clock_that_jumps_ahead_takes_no_file_from_whoever_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.ingest, "BATCH", 8)
    monkeypatch.setattr(pipelines.ingest, "BURST", 16)
    corpus = ingest_process.write_corpus(tmp_path / "corpus", 0)
    workspace = Workspace(tmp_path / "w")
    for number in range(256):
        (workspace.media.root / f"{number:02x}").mkdir(parents=True)
    replace = pipelines.record.media.os.replace

    def swept_first(source: str, target: Path) -> None:
        """Move a file, once after another process took it for one that was left long ago."""
        if target.parent.parent == workspace.media.root and not swept:
            swept.append(workspace.media.sweep())
        replace(source, target)

    swept: list[int] = []
    ahead = pipelines.record.media.time.time() + 10_000
    monkeypatch.setattr(pipelines.record.media.time, "time", lambda: ahead)
    monkeypatch.setattr(pipelines.record.media.os, "replace", swept_first)
    ingest_process.bring_in_here(workspace, corpus, "r1")
    assert swept == [1]
    for row in workspace.catalog.rows("select media_id from media"):
        workspace.media.read(row["media_id"])
