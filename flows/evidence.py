"""Asking a policy: scoring, searching and probing as plain functions, and who is asked.

A command calls these and a flow wraps them; heavy libraries are imported when one runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flows.settings import (
    BudgetSettings,
    PolicySettings,
    ProbeSettings,
    ScoreSettings,
    SearchSettings,
    read_settings,
)
from pipelines.workspace import Progress, Workspace, WrongUse, silent

if TYPE_CHECKING:
    from pipelines.policies.policy import Policy
    from pipelines.rewards import Grading
    from pipelines.scoring.ask import Asker
    from pipelines.scoring.budget import Budget
    from pipelines.scoring.pass_rate import PassRateJob, ScoreSummary
    from pipelines.scoring.probe import ProbeEstimate, ProbeJob, ProbeSummary
    from pipelines.scoring.search import SearchJob, SearchSummary

ProbeKind = Literal["blind", "shuffle"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What scoring would cost, before anything is asked."""

    samples: int
    undecided: int
    least_rollouts: int
    expected_rollouts: int | None
    """By playing the stopping rule through; None where that cannot be said."""
    most_rollouts: int
    expected_tokens: int | None
    """At the length of this policy's answers so far; None where it has given none."""
    most_tokens: int
    expected_seconds: float | None
    """At the pace of this policy so far; None where it has answered nothing."""


def score(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ScoreSettings,
    *,
    seed: int = 0,
    refresh: bool = False,
    budget: BudgetSettings | None = None,
    progress: Progress = silent,
) -> "ScoreSummary":
    """Ask the policy until every sample is decided; the same call again finishes the work.

    `refresh` asks only about what this policy or one before it was scored on.
    """
    job, ids = _pass_rate_job(workspace, policy, settings, seed, progress, refresh=refresh)
    return job.run(ids, progress, _budget(budget))


def estimate(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ScoreSettings,
    *,
    seed: int = 0,
    refresh: bool = False,
    progress: Progress = silent,
) -> Estimate:
    """Say what `score` would ask, without asking."""
    from pipelines.scoring.forecast import expected_answers, pace

    job, ids = _pass_rate_job(workspace, policy, settings, seed, progress, refresh=refresh)
    counts = job.counts(sorted(set(ids)))
    undecided = job.open_samples(ids)
    expected = expected_answers(job.rule, counts.tally, counts.asked)
    known = pace(workspace.catalog, job.asker)
    most = undecided * settings.cap
    return Estimate(
        samples=len(ids),
        undecided=undecided,
        least_rollouts=undecided * min(settings.block, settings.cap),
        expected_rollouts=expected,
        most_rollouts=most,
        expected_tokens=None if known.tokens is None else round(expected * known.tokens),
        most_tokens=most * policy.max_tokens,
        expected_seconds=None if known.seconds is None else expected * known.seconds,
    )


def search(
    workspace: Workspace,
    policy: PolicySettings,
    settings: SearchSettings,
    *,
    seed: int = 0,
    budget: BudgetSettings | None = None,
    progress: Progress = silent,
) -> "SearchSummary":
    """Search the samples for which plain asking did not say enough."""
    job, ids = _search_job(workspace, policy, settings, seed, progress)
    return job.run(ids, progress, _budget(budget))


def estimate_search(
    workspace: Workspace,
    policy: PolicySettings,
    settings: SearchSettings,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Estimate:
    """Say what `search` would ask, without asking. A continuation counts as a rollout."""
    job, ids = _search_job(workspace, policy, settings, seed, progress)
    undecided = len(job.unsearched(ids))
    least = undecided * (job.rule.width + 1)
    most = least * settings.iterations
    return Estimate(
        samples=len(ids),
        undecided=undecided,
        least_rollouts=least,
        expected_rollouts=None,
        most_rollouts=most,
        expected_tokens=None,
        most_tokens=most * policy.max_tokens,
        expected_seconds=None,
    )


def probe(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ProbeSettings,
    kind: ProbeKind,
    *,
    seed: int = 0,
    budget: BudgetSettings | None = None,
    progress: Progress = silent,
) -> "ProbeSummary":
    """Ask under a changed showing of the samples; the same call again finishes the work."""
    job, ids = _probe_job(workspace, policy, settings, kind, seed=seed, progress=progress)
    return job.run(ids, progress, _budget(budget))


def estimate_probe(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ProbeSettings,
    kind: ProbeKind,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> "ProbeEstimate":
    """Say what `probe` would ask, without asking."""
    job, ids = _probe_job(workspace, policy, settings, kind, seed=seed, progress=progress)
    return job.estimate(ids)


def _search_job(
    workspace: Workspace,
    policy: PolicySettings,
    settings: SearchSettings,
    seed: int,
    progress: Progress,
) -> "tuple[SearchJob, Sequence[str]]":
    from pipelines.scoring.search import SearchJob

    asker = asker_of(workspace, policy, progress)
    ids = candidates(workspace, settings.where, asker.policy.policy_id)
    ids = ids[: settings.limit] if settings.limit else ids
    return SearchJob(workspace.catalog, asker, settings.rule, seed, settings.batch), ids


def _probe_job(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ProbeSettings,
    kind: ProbeKind,
    *,
    seed: int,
    progress: Progress,
) -> "tuple[ProbeJob, Sequence[str]]":
    from pipelines.scoring.probe import ProbeJob
    from pipelines.scoring.probe_views import BlindProbe, ShuffleProbe

    asker = asker_of(workspace, policy, progress)
    ids = candidates(workspace, settings.where, asker.policy.policy_id)
    shown = BlindProbe(settings.how) if kind == "blind" else ShuffleProbe(settings.permutations)
    return ProbeJob(workspace.catalog, asker, shown, settings.answers, seed), ids


def _pass_rate_job(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ScoreSettings,
    seed: int,
    progress: Progress,
    *,
    refresh: bool,
) -> "tuple[PassRateJob, Sequence[str]]":
    from pipelines.scoring.pass_rate import PassRateJob
    from pipelines.scoring.staleness import scored_before

    ids = candidates(workspace, settings.where)
    asker = asker_of(workspace, policy, progress)
    job = PassRateJob(workspace.catalog, asker, settings.rule, seed, settings.batch)
    return job, scored_before(workspace.catalog, asker, ids) if refresh else ids


def _budget(settings: BudgetSettings | None) -> "Budget | None":
    from pipelines.scoring.budget import Budget

    return None if settings is None else Budget(settings.rollouts, settings.tokens)


def asker_of(workspace: Workspace, policy: PolicySettings, progress: Progress) -> "Asker":
    """Join a policy with everything that decides how it is asked and graded."""
    from pipelines.policies.policy import Sampling
    from pipelines.policies.templates import template_named
    from pipelines.scoring.ask import Asker

    sampling = Sampling(policy.temperature, policy.top_p, policy.max_tokens)
    return Asker(
        _policy(workspace, policy, progress),
        template_named(policy.template),
        sampling,
        workspace.media.read,
        workspace_grading(workspace),
    )


def _policy(workspace: Workspace, settings: PolicySettings, progress: Progress) -> "Policy":
    """Load the policy, or meet it where it is served."""
    from pipelines.policies.open import is_served, open_policy, refuse_other_weights
    from train.start import start_of

    progress("loading the policy", 0, None)
    if not is_served(settings.source):
        folder = start_of(workspace, settings.source, progress)
        return open_policy(folder, name=policy_name(settings.source))
    served = open_policy(
        settings.source,
        model=settings.model,
        revision=settings.revision,
        api_key_env=settings.api_key_env,
        concurrency=settings.concurrency,
        timeout=settings.timeout,
    )
    refuse_other_weights(workspace.catalog, served)
    return served


def workspace_grading(workspace: Workspace) -> "Grading":
    """Who grades here, as curricle.toml says. Raises WrongUse for a reward that nobody knows."""
    from pipelines.rewards.declared import grading_of

    settings = read_settings(workspace)
    return grading_of(settings.reward, settings.rewards, workspace.root)


def policy_name(source: str) -> str:
    """What people call a policy: `tiny`, a hub id, the run that trained it, or a folder's name."""
    path = Path(source)
    if not path.is_dir():
        return source
    return path.parent.name if path.name == "final" else path.name


def candidates(workspace: Workspace, where: str, policy_id: str = "") -> Sequence[str]:
    """The ids of the samples that a condition chooses. Raises WrongUse when it is wrong."""
    from pipelines.catalog.allowed import require_expression
    from pipelines.catalog.guarded import BadQuery, guarded

    difficulty = (
        f"left join (from difficulty where policy_id = '{policy_id}') using (sample_id)"
        if policy_id
        else ""
    )
    query = f"select distinct sample_id from candidates {difficulty} where (\n{where}\n) order by 1"
    try:
        require_expression(where)
        found = guarded(workspace.require().catalog, query)["sample_id"].to_pylist()
    except BadQuery as error:
        raise WrongUse(f"samples where {where!r}: {error}") from error
    if not found:
        raise WrongUse(f"no sample satisfies {where!r}; see what there is with `curricle status`")
    ids: list[str] = found
    return ids


def hardness(workspace: Workspace) -> dict[str, int]:
    """Count the samples by the share of right answers, in tenths; whoever answered most counts."""
    bins = {f"{10 * tenth}-{10 * tenth + 10}%": 0 for tenth in range(10)}
    rows = workspace.catalog.rows("""
        with best as (
            select pass_rate from difficulty where n > 0
            qualify row_number() over (
                partition by sample_id order by n desc, policy_id, template_id, sampling_id
            ) = 1
        )
        select least(floor(10 * pass_rate), 9)::int as tenth, count(*) as samples
        from best group by tenth""")
    for row in rows:
        tenth = row["tenth"]
        bins[f"{10 * tenth}-{10 * tenth + 10}%"] = row["samples"]
    return bins
