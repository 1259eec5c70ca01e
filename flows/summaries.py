"""What each stage did, as sentences and as JSON: the same for commands and flows."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.stages import Estimate
    from pipelines.curation.curate import Frozen
    from pipelines.ingest import IngestSummary
    from pipelines.scoring.pass_rate import ScoreSummary
    from pipelines.scoring.search import SearchSummary
    from pipelines.views import AugmentSummary
    from train.evaluate import Evaluation
    from train.launch import TrainResult


def plain(value: Any) -> Any:
    """Turn dataclasses and paths into what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def record(summary: object) -> dict[str, Any]:
    """Give a summary as the JSON object that a flow returns."""
    facts: dict[str, Any] = plain(summary)
    return facts


def ingested(summary: "IngestSummary") -> list[str]:
    """Say what came in, and what did not and why."""
    lines = [
        f"{summary.corpus}: {summary.read:,} records, {summary.new:,} new samples, "
        f"{summary.known:,} known already, {sum(summary.rejected.values()):,} rejected"
    ]
    lines += [f"  {count:,} rejected at {reason}" for reason, count in summary.rejected.items()]
    if summary.evidence:
        lines.append(f"  {summary.evidence:,} outcomes of other policies came with it")
    return lines


def augmented(summary: "AugmentSummary") -> list[str]:
    """Say which views there are, and what was forbidden and why."""
    lines = [
        f"{summary.recipe}: {summary.views:,} views of {summary.parents:,} samples "
        f"({summary.new:,} new), {summary.untouched:,} left alone"
    ]
    lines += [f"  forbidden {n:,} times: {why}" for why, n in summary.forbidden.items()]
    return lines


def scored(summary: "ScoreSummary") -> str:
    """Say how hard the samples are."""
    return (
        f"{summary.samples:,} samples: {summary.too_hard:,} too hard, "
        f"{summary.in_band:,} in the band, {summary.too_easy:,} too easy; "
        f"{summary.rollouts:,} rollouts now"
    )


def estimated(cost: "Estimate") -> str:
    """Say what asking would cost."""
    return (
        f"{cost.undecided:,} of {cost.samples:,} samples are undecided: {cost.least_rollouts:,} to "
        f"{cost.most_rollouts:,} rollouts, at most {cost.most_tokens:,} tokens"
    )


def searched(summary: "SearchSummary") -> str:
    """Say what a search found."""
    return (
        f"{summary.searched:,} of {summary.samples:,} samples searched, {summary.solved:,} solved, "
        f"{summary.model_calls:,} continuations, {summary.completion_tokens:,} tokens"
    )


def frozen(done: "Frozen") -> list[str]:
    """Say what a plan chose."""
    minted = "minted" if done.minted else "is what it was"
    lines = [
        f"{done.label} {minted}: {done.samples:,} samples in {len(done.stages)} stage(s), "
        f"{done.rows - done.samples} rows of padding; expected share of groups without signal "
        f"{done.predicted_zero_advantage:.0%}"
    ]
    lines += [f"  {line}" for line in done.counts.lines()]
    if done.control is not None and done.control_predicted_zero_advantage is not None:
        lines.append(
            f"  control {done.control}@{done.control_version}: equal size, random; expected share "
            f"without signal {done.control_predicted_zero_advantage:.0%}"
        )
    lines += [f"  {done.folder}", f"  card: {done.card}"]
    return lines


def trained(dataset: str, result: "TrainResult") -> list[str]:
    """Say what a run came to."""
    lines = [
        f"run {result.run_id} on {dataset}: {result.steps:,} steps"
        + (", finished before" if result.found_done else f" in {result.seconds:.0f} s"),
        f"  groups that taught nothing: {result.zero_advantage_share:.0%}",
    ]
    if result.before and result.after:
        lines.append(f"  held-out accuracy {span(result.before)} -> {span(result.after)}")
    lines.append(f"  the policy: {result.checkpoint}")
    return lines


def measured(evaluation: "Evaluation") -> list[str]:
    """Say how often a policy is right."""
    lines = [
        f"accuracy {span(evaluation)} on {evaluation.samples:,} samples, "
        f"{evaluation.answers:,} answers"
        + (f", {evaluation.unscored:,} unscored" if evaluation.unscored else "")
    ]
    lines += [f"  {task}: {rate:.3f}" for task, rate in sorted(evaluation.by_task.items())]
    return lines


def span(evaluation: "Evaluation") -> str:
    """An accuracy with its interval."""
    return f"{evaluation.accuracy:.3f} [{evaluation.low:.3f}, {evaluation.high:.3f}]"
