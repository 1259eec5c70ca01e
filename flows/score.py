"""Flow: let the policy of the workspace try what it has not been decided on."""

from typing import Any

from prefect import flow

from flows import evidence
from flows.artifacts import leave_bars, leave_table
from flows.narration import log, progress, say
from flows.orchestration import open_workspace, retried
from flows.settings import read_settings
from flows.summaries import probed, record, scored, searched


@retried
def ask_policy(workspace: str) -> dict[str, Any]:
    """Ask until every sample is decided."""
    opened = open_workspace(workspace)
    settings = read_settings(opened)
    if settings.policy.source == "tiny" and not (opened.policies / "tiny").exists():
        log.info("the tiny policy is built and warmed up first (a minute or two)")
    done = evidence.score(
        opened,
        settings.policy,
        settings.score,
        seed=settings.seed,
        budget=settings.budget,
        progress=progress,
    )
    say(scored(done))
    return record(done)


@retried
def search_answers(workspace: str) -> dict[str, Any]:
    """Search where record asking did not say enough."""
    opened = open_workspace(workspace)
    settings = read_settings(opened)
    done = evidence.search(
        opened,
        settings.policy,
        settings.search,
        seed=settings.seed,
        budget=settings.budget,
        progress=progress,
    )
    say(searched(done))
    return record(done)


@retried
def probe_answers(workspace: str, kind: evidence.ProbeKind) -> dict[str, Any]:
    """Ask under a changed showing of the samples."""
    opened = open_workspace(workspace)
    settings = read_settings(opened)
    done = evidence.probe(
        opened,
        settings.policy,
        settings.probe,
        kind,
        seed=settings.seed,
        budget=settings.budget,
        progress=progress,
    )
    say(probed(done))
    return record(done)


@flow(name="score", persist_result=False)
def score(workspace: str) -> dict[str, Any]:
    """Ask the policy, search its answers and probe them, as curricle.toml says."""
    settings = read_settings(open_workspace(workspace))
    done = {"pass_rate": ask_policy(workspace)}
    if settings.search.where:
        done["search"] = search_answers(workspace)
    if settings.probe.blind:
        done["blind"] = probe_answers(workspace, "blind")
    if settings.probe.shuffle:
        done["shuffle"] = probe_answers(workspace, "shuffle")
    leave_table("score", [{"step": name} | one for name, one in done.items()], "What was asked.")
    hardness = evidence.hardness(open_workspace(workspace))
    leave_bars("difficulty", hardness, "Samples by the share of right answers.")
    return done
