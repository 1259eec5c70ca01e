"""Jobs on a served policy: what is recorded, and what a server's death leaves behind."""

import json
import re
import threading
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from scripts import filled
from small_server import Chat, Raw, SmallServer, error, serving

from flows.cli.main import run
from pipelines.policies.policy import PolicyUnavailable, Sampling
from pipelines.policies.served import ServedPolicy
from pipelines.policies.served_line import Patience
from pipelines.policies.templates import TEMPLATES
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace

QUICK = Patience(tries=3, pause=0.005, timeout=5.0)
SAMPLES = 24


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def job(workspace: Workspace, server: SmallServer) -> PassRateJob:
    policy = ServedPolicy(server.address, patience=QUICK)
    asker = Asker(policy, TEMPLATES["plain"], Sampling(max_tokens=40), workspace.media.read)
    return PassRateJob(workspace.catalog, asker, StoppingRule(cap=8), batch=6)


def evidence(workspace: Workspace) -> list[tuple[object, ...]]:
    rows = workspace.catalog.rows(
        "select sample_id, round, k, completion, correct from graded order by all"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.slow
def test_a_server_that_dies_in_the_middle_stops_the_job_and_the_same_job_finishes(
    tmp_path: Path, stack: ExitStack
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    ids = filled(whole, SAMPLES)
    filled(broken, SAMPLES)
    job(whole, stack.enter_context(serving(SmallServer()))).run(ids)
    asked, lock, alive = 0, threading.Lock(), 9

    def dying(_: Chat) -> Raw | None:
        nonlocal asked
        with lock:
            asked += 1
            return Raw(drop=True) if asked > alive else None

    kept: list[int] = []
    for _ in range(6):
        # Each time on another port, as the same model served anew would be.
        server = stack.enter_context(serving(SmallServer()))
        unfinished = job(broken, server)
        asked, server.manners = 0, dying
        with pytest.raises(PolicyUnavailable, match="nobody answers at"):
            unfinished.run(ids)
        kept.append(len(evidence(broken)))
    assert kept[0] > 0
    assert kept == sorted(kept)
    job(broken, stack.enter_context(serving(SmallServer()))).run(ids)
    assert evidence(broken) == evidence(whole)
    assert broken.catalog.rows("select distinct status from units") == [{"status": "done"}]
    assert len(broken.catalog.rows("from policies")) == 1


def test_what_was_not_answered_is_unscored_with_its_reason_and_the_rest_is_graded(
    workspace: Workspace, stack: ExitStack
) -> None:
    def stumbling(body: Chat) -> Raw | None:
        text = body["messages"][0]["content"]
        if text == "3+1":
            return Raw(400, error("the prompt is too long"))
        return Raw(500, b"oops") if text == "5+1" else None

    ids = filled(workspace, 8)
    server = stack.enter_context(serving(SmallServer(manners=stumbling)))
    job(workspace, server).run(ids)
    rows = workspace.catalog.rows("from graded")
    silent = [row for row in rows if row["finish_reason"] == "error"]
    assert {row["sample_id"] for row in silent} == {ids[3], ids[5]}
    assert {row["correct"] for row in silent} == {row["completion"] for row in silent} == {None}
    reasons = {row["sample_id"]: row["reason"] for row in silent}
    assert reasons[ids[3]] == "refused by the server (400: the prompt is too long)"
    assert reasons[ids[5]] == "no answer in 3 tries: 500: oops"
    graded = [row for row in rows if row["finish_reason"] != "error"]
    assert {row["sample_id"] for row in graded} == set(ids) - {ids[3], ids[5]}
    assert None not in {row["correct"] for row in graded}


def test_another_model_in_the_middle_of_a_job_commits_nothing_of_its_own(
    workspace: Workspace, stack: ExitStack
) -> None:
    server = stack.enter_context(serving(SmallServer()))
    unfinished = job(workspace, server)
    answered = 0

    def replaced(body: Chat) -> Chat | None:
        nonlocal answered
        answered += 1
        return server.completion(body, model="impostor") if answered > 9 else None

    server.manners = replaced
    with pytest.raises(PolicyUnavailable, match="'small' at first and now as 'impostor'"):
        unfinished.run(filled(workspace, SAMPLES))
    assert 0 < len(evidence(workspace)) < SAMPLES * 4
    assert [row["name"] for row in workspace.catalog.rows("from policies")] == ["small"]


def test_the_command_scores_by_an_address_and_says_in_a_sentence_when_nobody_answers(
    tmp_path: Path, stack: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--workspace", str(tmp_path)]
    assert run(["ingest", "sums", "--size", "6", *root]) == 0
    with serving(SmallServer()) as server:
        address = server.address
        score = ["score", "--policy", address, "--max-tokens", "40", "--cap", "4", *root]
        assert run([*score, "--json"]) == 0
    rows = Workspace(tmp_path).catalog.rows("from policies")
    assert [(row["kind"], row["name"]) for row in rows] == [("openai", "small")]
    details = json.loads(rows[0]["details"])
    assert (details["base_url"], details["root"]) == (address, "org/small")
    capsys.readouterr()
    assert run(score) == 1
    said = capsys.readouterr().err
    assert f"nobody answers at {address}" in said.replace("\n", " ")
    assert "Traceback" not in said


def test_a_served_policy_cannot_be_trained(workspace: Workspace) -> None:
    from pipelines.workspace import WrongUse
    from train.start import start_of

    with pytest.raises(WrongUse, match="does not show its weights, so it cannot be trained"):
        start_of(workspace, "http://127.0.0.1:8000/v1")


@pytest.mark.parametrize("name", ["model", "revision", "api_key_env"])
def test_settings_of_a_server_without_one_are_a_mistake(name: str) -> None:
    from flows.settings import PolicySettings

    with pytest.raises(ValueError, match=f"`{name}` is about a server"):
        PolicySettings(**{name: "x"})
    settings: Any = PolicySettings(source="http://127.0.0.1:8000/v1", **{name: "x"})
    assert getattr(settings, name) == "x"


def test_the_settings_in_the_manual_are_settings_with_the_defaults_it_shows() -> None:
    from flows.settings import PolicySettings

    manual = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
    block = re.search(r"```toml\n(.*?)```", manual, re.DOTALL)
    assert block is not None
    shown = PolicySettings.model_validate(tomllib.loads(block[1])["policy"])
    assert shown.model == "Qwen/Qwen3-VL-8B-Instruct"
    defaults = dict(re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", manual, re.MULTILINE))
    assert defaults == {"concurrency": "32", "timeout": "300"}
    assert (shown.concurrency, shown.timeout) == (32, 300)
