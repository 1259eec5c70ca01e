"""The stages as plain functions: what a command calls and what a flow wraps.

Each joins settings with the parts that do the work; heavy libraries are imported when a stage
runs, so that naming them is quick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.settings import (
    AugmentSettings,
    CorpusSettings,
    PolicySettings,
    ScoreSettings,
    SearchSettings,
    Settings,
    train_config,
)
from pipelines.workspace import Progress, Workspace, WrongUse, silent

if TYPE_CHECKING:
    from pipelines.curation.curate import Frozen
    from pipelines.ingest import IngestSummary
    from pipelines.scoring.ask import Asker
    from pipelines.scoring.pass_rate import PassRateJob, ScoreSummary
    from pipelines.scoring.search import SearchJob, SearchSummary
    from pipelines.views import AugmentSummary
    from train.evaluate import Evaluation
    from train.launch import TrainResult


def ingest(
    workspace: Workspace, corpus: CorpusSettings, progress: Progress = silent
) -> "IngestSummary":
    """Bring one corpus in. Raises WrongUse for a corpus that nobody knows."""
    from pipelines.corpora.registry import CORPORA
    from pipelines.ingest import ingest

    known = CORPORA.get(corpus.name)
    if known is None:
        raise WrongUse(f"unknown corpus {corpus.name!r}; known are {', '.join(sorted(CORPORA))}")
    root = None if corpus.path is None else workspace.root / corpus.path
    return ingest(
        workspace,
        known,
        root,
        options=corpus.options.model_dump(exclude_none=True),
        progress=progress,
    )


def augment(
    workspace: Workspace,
    settings: AugmentSettings,
    *,
    corpus: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> "list[AugmentSummary]":
    """Make the views of every recipe."""
    from augment.recipes import named
    from pipelines.views import augment

    return [
        augment(
            workspace,
            named(name),
            corpus=corpus,
            copies=settings.copies,
            seed=seed,
            progress=progress,
        )
        for name in settings.recipes
    ]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What scoring would cost, before anything is asked."""

    samples: int
    undecided: int
    least_rollouts: int
    most_rollouts: int
    most_tokens: int


def score(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ScoreSettings,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> "ScoreSummary":
    """Ask the policy until every sample is decided; the same call again finishes the work."""
    ids = _candidates(workspace, settings.where)
    return _pass_rate_job(workspace, policy, settings, seed, progress).run(ids, progress)


def estimate(
    workspace: Workspace, policy: PolicySettings, settings: ScoreSettings, *, seed: int = 0
) -> Estimate:
    """Say what `score` would ask, without asking."""
    ids = _candidates(workspace, settings.where)
    undecided = _pass_rate_job(workspace, policy, settings, seed, silent).open_samples(ids)
    most = undecided * settings.cap
    return Estimate(
        samples=len(ids),
        undecided=undecided,
        least_rollouts=undecided * min(settings.block, settings.cap),
        most_rollouts=most,
        most_tokens=most * policy.max_tokens,
    )


def search(
    workspace: Workspace,
    policy: PolicySettings,
    settings: SearchSettings,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> "SearchSummary":
    """Search the samples for which plain asking did not say enough."""
    job, ids = _search_job(workspace, policy, settings, seed, progress)
    return job.run(ids, progress)


def estimate_search(
    workspace: Workspace, policy: PolicySettings, settings: SearchSettings, *, seed: int = 0
) -> Estimate:
    """Say what `search` would ask, without asking. A continuation counts as a rollout."""
    job, ids = _search_job(workspace, policy, settings, seed, silent)
    undecided = len(job.unsearched(ids))
    most = undecided * settings.iterations * (job.rule.width + 1)
    least = undecided * (job.rule.width + 1)
    return Estimate(len(ids), undecided, least, most, most * policy.max_tokens)


def curate(
    workspace: Workspace, plan: Path, *, dry_run: bool = False, progress: Progress = silent
) -> "Frozen":
    """Freeze a plan into a dataset version."""
    from pipelines.curation.curate import curate
    from pipelines.curation.plans import read_plan

    return curate(workspace, read_plan(plan), dry_run=dry_run, progress=progress)


def train(
    workspace: Workspace, settings: Settings, run: dict[str, Any], progress: Progress = silent
) -> "TrainResult":
    """Make one training run, measured before and after."""
    from train.launch import train

    return train(workspace, train_config(settings, run), progress)


def evaluate(
    workspace: Workspace,
    policy: PolicySettings,
    *,
    where: str = "",
    samples: int = 200,
    answers: int = 4,
    seed: int = 0,
    progress: Progress = silent,
) -> "Evaluation":
    """Measure a policy on held-out samples. Raises WrongUse when there are none."""
    from train.evaluate import evaluate, held_out

    chosen = held_out(workspace, where, samples, seed)
    if not chosen:
        raise WrongUse(f"no held-out sample (split 'test') satisfies {where or 'true'!r}")
    asker = _asker(workspace, policy, progress)
    return evaluate(
        workspace,
        asker.policy,
        chosen,
        asker.template,
        asker.sampling,
        n=answers,
        seed=seed,
        progress=progress,
    )


def _search_job(
    workspace: Workspace,
    policy: PolicySettings,
    settings: SearchSettings,
    seed: int,
    progress: Progress,
) -> "tuple[SearchJob, Sequence[str]]":
    from pipelines.scoring.search import SearchJob
    from pipelines.scoring.tree import SearchRule

    asker = _asker(workspace, policy, progress)
    ids = _candidates(workspace, settings.where, asker.policy.policy_id)
    ids = ids[: settings.limit] if settings.limit else ids
    rule = SearchRule(iterations=settings.iterations)
    return SearchJob(workspace.catalog, asker, rule, seed), ids


def _pass_rate_job(
    workspace: Workspace,
    policy: PolicySettings,
    settings: ScoreSettings,
    seed: int,
    progress: Progress,
) -> "PassRateJob":
    from pipelines.scoring.evidence import StoppingRule
    from pipelines.scoring.pass_rate import PassRateJob

    rule = validated_rule(StoppingRule, settings)
    asker = _asker(workspace, policy, progress)
    return PassRateJob(workspace.catalog, asker, rule, seed, settings.batch)


def validated_rule(rule: Any, settings: ScoreSettings) -> Any:
    """Make the stopping rule of these settings. Raises WrongUse when it makes no sense."""
    from pipelines.workspace import validated

    return validated(settings.model_dump(exclude={"where", "batch"}), rule, "[score]")


def _asker(workspace: Workspace, policy: PolicySettings, progress: Progress) -> "Asker":
    from pipelines.policies.checkpoint import CheckpointPolicy
    from pipelines.policies.policy import Sampling
    from pipelines.scoring.ask import Asker
    from train.launch import start_of, template_named

    progress("loading the policy", 0, None)
    folder = start_of(workspace, policy.source, progress)
    sampling = Sampling(temperature=policy.temperature, max_tokens=policy.max_tokens)
    known = CheckpointPolicy(folder, name=policy_name(policy.source))
    return Asker(known, template_named(policy.template), sampling, workspace.media.read)


def policy_name(source: str) -> str:
    """What people call a policy: `tiny`, a hub id, the run that trained it, or a folder's name."""
    path = Path(source)
    if not path.is_dir():
        return source
    return path.parent.name if path.name == "final" else path.name


def _candidates(workspace: Workspace, where: str, policy_id: str = "") -> Sequence[str]:
    """The ids of the samples that a condition chooses. Raises WrongUse when it is wrong."""
    from pipelines.catalog.guarded import BadQuery, guarded

    difficulty = (
        f"left join (from difficulty where policy_id = '{policy_id}') using (sample_id)"
        if policy_id
        else ""
    )
    query = f"select distinct sample_id from candidates {difficulty} where (\n{where}\n) order by 1"
    try:
        found = guarded(workspace.require().catalog, query)["sample_id"].to_pylist()
    except BadQuery as error:
        raise WrongUse(f"samples where {where!r}: {error}") from error
    if not found:
        raise WrongUse(f"no sample satisfies {where!r}; see what there is with `curricle status`")
    ids: list[str] = found
    return ids
