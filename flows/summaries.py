"""What each stage did, as sentences and as JSON: the same for commands and flows."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.evidence import Estimate
    from pipelines.clean.cleaning import CleanSummary
    from pipelines.curation.curate import Frozen
    from pipelines.curation.export import Export
    from pipelines.curation.handoff import Report as HandoffReport
    from pipelines.forms.convert import FormSummary
    from pipelines.ingest import IngestSummary
    from pipelines.scoring.agreement import Holes
    from pipelines.scoring.audit import Audit
    from pipelines.scoring.import_file import ImportSummary
    from pipelines.scoring.pass_rate import ScoreSummary
    from pipelines.scoring.probe import ProbeEstimate, ProbeSummary
    from pipelines.scoring.search import SearchSummary
    from pipelines.views import AugmentSummary
    from pipelines.withdrawal import Withdrawn
    from train.evaluation.comparison import Comparison, Difference
    from train.evaluation.curves import Curve
    from train.evaluation.measure import Evaluation
    from train.evaluation.report import Report, RunReport
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
    if summary.superseded or summary.withdrawn:
        lines.append(
            f"  of the last revision, {summary.superseded:,} records are changed and "
            f"{summary.withdrawn:,} are gone; what rests on them is no candidate any more"
        )
    return lines


def withdrawn(summary: "Withdrawn", *, dry_run: bool = False) -> list[str]:
    """Say what was removed, and where it still is."""
    went = "would go" if dry_run else "are gone"
    lines = [
        f"{summary.samples:,} samples and {summary.views:,} views of them {went}, with "
        f"{summary.media:,} media files and {summary.rollouts:,} rollouts"
    ]
    if summary.finished:
        lines.append(f"  {summary.finished:,} withdrawal(s) that had been cut short are finished")
    lines += [
        f"  {held.label} holds {held.samples:,} of them, and its files under {held.path} still do: "
        "curate its plan again for a version without them, then delete that folder"
        for held in summary.datasets
    ]
    if summary.runs:
        lines.append(f"  these runs have learned from them: {', '.join(summary.runs)}")
    return lines


def cleaned(summary: "CleanSummary") -> list[str]:
    """Say what repeats, contradicts or leaks, and by which sign."""
    gone, rivals = sum(summary.duplicates.values()), sum(summary.conflicts.values())
    leaked = sum(sum(counts.values()) for counts in summary.leaks.values())
    lines = [
        f"{summary.samples:,} samples compared: {gone:,} repeat another, {rivals:,} contradict "
        f"one, {leaked:,} leak a benchmark" + (" (nothing new)" if summary.unchanged else "")
    ]
    lines += [f"  {n:,} repeat: {how}" for how, n in summary.duplicates.items()]
    lines += [f"  {n:,} in conflict: {how}" for how, n in summary.conflicts.items()]
    lines += [
        f"  {n:,} leak {benchmark}: {how}"
        for benchmark, counts in summary.leaks.items()
        for how, n in counts.items()
    ]
    lines += [
        f"  {n:,} show a picture of {benchmark} under another question"
        for benchmark, n in summary.same_picture.items()
    ]
    return lines


def augmented(summary: "AugmentSummary") -> list[str]:
    """Say which views there are, and what was forbidden and why."""
    lines = [
        f"{summary.recipe}: {summary.views:,} views of {summary.parents:,} samples "
        f"({summary.new:,} new), {summary.untouched:,} left alone"
    ]
    lines += [f"  forbidden {n:,} times: {why}" for why, n in summary.forbidden.items()]
    lines += [f"  rejected {n:,} draws: {why}" for why, n in summary.rejected.items()]
    if summary.unheeded:
        lines.append(f"  drawn although an audit blocks it: {', '.join(summary.unheeded)}")
    return lines


def converted(summary: "FormSummary") -> list[str]:
    """Say which questions are asked in another form, and which cannot be and why."""
    lines = [
        f"{summary.recipe}: {summary.views:,} of {summary.parents:,} samples are asked so "
        f"({summary.new:,} new)"
    ]
    if summary.answers:
        counts = (f"{answer} {n:,}" for answer, n in summary.answers.items())
        lines.append(f"  right answers: {', '.join(counts)}")
    lines += [f"  left alone {n:,}: the answer is a {kind}" for kind, n in summary.left.items()]
    lines += [f"  rejected {n:,}: {why}" for why, n in summary.rejected.items()]
    return lines


def scored(summary: "ScoreSummary") -> list[str]:
    """Say how hard the samples are, and what is left to ask."""
    lines = [
        f"{summary.samples:,} samples: {summary.too_hard:,} too hard, "
        f"{summary.in_band:,} in the band, {summary.too_easy:,} too easy; "
        f"{summary.rollouts:,} rollouts now"
    ]
    if summary.unanswered:
        lines.append(f"  {summary.unanswered:,} without a graded answer so far")
    if summary.stopped_by:
        lines.append(_stopped(summary.stopped_by, f"{summary.undecided:,} samples undecided"))
    return lines


def _stopped(budget: str, left: str) -> str:
    return f"  the budget of {budget} is spent with {left}; the same command goes on"


def estimated(cost: "Estimate") -> list[str]:
    """Say what asking would cost."""
    lines = [
        f"{cost.undecided:,} of {cost.samples:,} samples are undecided: {cost.least_rollouts:,} to "
        f"{cost.most_rollouts:,} rollouts, at most {cost.most_tokens:,} tokens"
    ]
    if cost.expected_rollouts is not None:
        tokens = "" if cost.expected_tokens is None else f", {cost.expected_tokens:,} tokens"
        lines.append(f"  expected: {cost.expected_rollouts:,} rollouts{tokens}{_time(cost)}")
    return lines


def _time(cost: "Estimate") -> str:
    if cost.expected_seconds is None:
        return "; how long that takes is known once this policy has answered something"
    minutes, seconds = divmod(round(cost.expected_seconds), 60)
    return f", {minutes} min {seconds} s at the pace so far"


def searched(summary: "SearchSummary") -> list[str]:
    """Say what a search found."""
    lines = [
        f"{summary.searched:,} of {summary.samples:,} samples searched, {summary.solved:,} solved, "
        f"{summary.model_calls:,} continuations, {summary.completion_tokens:,} tokens"
    ]
    if summary.failed:
        lines.append(f"  {summary.failed:,} given up for want of answers; they are searched again")
    if summary.stopped_by:
        lines.append(_stopped(summary.stopped_by, "searches under way"))
    return lines


def probed(summary: "ProbeSummary") -> list[str]:
    """Say how often samples are right under a changed showing, beside plain asking."""
    lines = [
        f"{summary.samples:,} samples, {summary.rollouts:,} rollouts now"
        + "".join(f"; {count:,} skipped: {why}" for why, count in summary.skipped.items())
    ]
    if summary.probed_rate is not None and summary.plain_rate is not None:
        lines.append(
            f"  right {summary.probed_rate:.1%} of the time under the {summary.purpose} probe, "
            f"{summary.plain_rate:.1%} as they are ({summary.compared:,} samples with both)"
        )
    if summary.stopped_by:
        lines.append(_stopped(summary.stopped_by, f"{summary.open_samples:,} samples open"))
    return lines


def probe_estimated(cost: "ProbeEstimate") -> list[str]:
    """Say what a probe would cost."""
    skipped = "".join(f"; {count:,} skipped: {why}" for why, count in cost.skipped.items())
    return [
        f"{cost.open_samples:,} of {cost.samples:,} samples lack answers: {cost.rollouts:,} "
        f"rollouts, at most {cost.most_tokens:,} tokens{skipped}"
    ]


def imported(summary: "ImportSummary", *, dry_run: bool = False) -> list[str]:
    """Say which rollouts of others came in, and which did not and why."""
    would = "would be " if dry_run else ""
    graded = "" if dry_run else f", {summary.graded:,} new grades"
    lines = [
        f"{summary.file}: {summary.read:,} rows, {summary.new:,} {would}new rollouts of "
        f"{summary.samples:,} samples{graded}, {summary.known:,} known already, "
        f"{sum(summary.rejected.values()):,} rejected"
    ]
    lines += [f"  {count:,} rejected: {reason}" for reason, count in summary.rejected.items()]
    if summary.policies:
        more = f" and {len(summary.policies) - 10:,} more" if len(summary.policies) > 10 else ""
        lines.append(f"  policies: {', '.join(summary.policies[:10])}{more}")
    if summary.known and summary.new:
        lines.append("  rows that say the same are one rollout; `--run NAME` sets a file apart")
    return lines


def audited(done: "Audit") -> list[str]:
    """Say how far two graders agree, and what each lets through."""
    lines = [f"{done.answers:,} answers, {done.first} (down) against {done.second} (across):"]
    lines.append(f"  {'':>10}" + "".join(f"{name:>10}" for name in done.verdicts))
    lines += [
        f"  {name:>10}" + "".join(f"{count:>10,}" for count in row.values())
        for name, row in done.verdicts.items()
    ]
    if done.agreement is not None:
        kappa = "" if done.kappa is None else f", kappa {done.kappa:.3f}"
        both = f"[{done.low:.2%}, {done.high:.2%}]{kappa}"
        lines.append(f"  agreement {done.agreement:.2%} {both}; {done.differing:,} differ")
    lines += [_lets_through(done.first, done.first_holes)]
    lines += [_lets_through(done.second, done.second_holes)]
    return lines


def _lets_through(name: str, holes: "Holes") -> str:
    shares = (
        f"{count:,} ({count / max(1, holes.right):.1%}) {what}"
        for count, what in (
            (holes.empty, "without a final answer"),
            (holes.several_boxes, "with several boxes"),
            (holes.longer_than_gold, "longer than the reference"),
        )
    )
    return f"  of {holes.right:,} that {name} calls right: {', '.join(shares)}"


def frozen(done: "Frozen", *, dry_run: bool = False) -> list[str]:
    """Say what a plan chose, or with `dry_run` would choose."""
    minted = "would be" if dry_run else "minted" if done.minted else "is what it was"
    low, high = done.predicted_interval
    lines = [
        f"{done.label} {minted}: {done.samples:,} samples in {len(done.stages)} stage(s), "
        f"{done.rows - done.samples} rows of padding; expected share of groups without signal "
        f"{done.predicted_zero_advantage:.0%} [{low:.0%}, {high:.0%}]: "
        f"{done.predicted_all_right:.0%} all right, {done.predicted_all_wrong:.0%} all wrong"
    ]
    lines += [f"  {line}" for line in done.counts.lines()]
    if done.unsolved:
        lines.append(
            f"  {done.unsolved:,} never solved by these policies, {done.unsolved_by_all:,} of them "
            "by no policy at all: their labels may be wrong"
        )
    if done.control is not None and done.control_predicted_zero_advantage is not None:
        lines.append(
            f"  control {done.control}@{done.control_version}: equal size, random; expected share "
            f"without signal {done.control_predicted_zero_advantage:.0%}"
        )
    if not dry_run:
        lines += [f"  {done.folder}", f"  card: {done.card}"]
    return lines


def trained(dataset: str, result: "TrainResult", run: "RunReport") -> list[str]:
    """Say what a run came to: what it asked and in which order, what it won, what went wrong."""
    ended = " (finished before)" if result.found_done else f", {result.seconds:.0f} s in all"
    halted = "; halted by a signal" if run.status == "halted" else ""
    return [
        f"run {result.run_id} on {dataset}: {result.steps:,} steps{ended}{halted}",
        *_run_reported(run)[1:],
        f"  the policy: {result.checkpoint}",
    ]


def measured(sets: "Mapping[str, Evaluation]") -> list[str]:
    """Say how often a policy is right, set by set and task by task."""
    lines = []
    for name, one in sets.items():
        unscored = f", {one.unscored:,} unscored" if one.unscored else ""
        lines.append(
            f"{name}: accuracy {span(one)} on {one.samples:,} samples, "
            f"{one.answers:,} answers{unscored}"
        )
        lines += [
            f"  {task}: {rate:.3f}{_between(one.intervals_by_task.get(task))}"
            for task, rate in one.by_task.items()
        ]
    return lines


def compared(sets: "Mapping[str, Comparison]") -> list[str]:
    """Say what one policy gains over another, paired by sample."""
    lines = []
    for name, one in sets.items():
        lines.append(f"{name}: {gain(one.over_all)}, on {one.over_all.samples:,} samples of both")
        lines += [f"  {task}: {gain(of_task)}" for task, of_task in one.by_task.items()]
    return lines


def gain(found: "Difference") -> str:
    """A difference of two accuracies, in points, with its interval."""
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f" [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
    return (
        f"{found.first:.3f} -> {found.second:.3f}, {100 * found.difference:+.1f} points{interval}"
    )


def reported(done: "Report") -> list[str]:
    """Say what some runs came to."""
    lines = [line for run in done.runs for line in _run_reported(run)]
    names = {run.run_id: run.label for run in done.runs}
    for pair in done.compared:
        lines.append(f"{names[pair.first]} -> {names[pair.second]}, paired by sample")
        lines += [f"  {name}: {gain(one.over_all)}" for name, one in pair.sets.items()]
    return [*lines, *(f"drawn: {picture}" for picture in done.pictures)]


def _run_reported(run: "RunReport") -> list[str]:
    steps, silent = run.curve.steps, run.silent
    control = f", the random control of {run.control_of}" if run.control_of else ""
    rollouts, minutes = (steps[-1].rollouts, steps[-1].seconds / 60) if steps else (0, 0.0)
    lines = [
        f"run {run.run_id} ({run.status}): {run.policy} on {run.dataset}{control}, template "
        f"{run.template}, seed {run.seed}",
        f"  {len(steps):,} steps, {rollouts:,} rollouts, {minutes:.1f} minutes of training",
        f"  groups all right or all wrong: predicted {_percent(silent.predicted)}"
        f"{_percents(silent.predicted_low, silent.predicted_high)}, in the first pass "
        f"{_percent(silent.first_pass)} ({_percent(silent.all_right)} right, "
        f"{_percent(silent.all_wrong)} wrong); without signal in the whole run: "
        f"{_percent(silent.without_signal)}",
    ]
    if run.rows_planned is not None:
        lines.append(
            f"  order: {run.rows_planned:,} rows, {run.never_seen:,} never asked, "
            f"{run.out_of_place:,} out of place, {run.first_seen_otherwise:,} first asked otherwise"
        )
    for name, points in run.curve.measured.items():
        course = " -> ".join(f"{point.evaluation.accuracy:.3f}" for point in points)
        last = points[-1]
        lines.append(
            f"  {name}: {course}; after {last.step:,} steps {span(last.evaluation)}"
            + (f"; {gain(run.gains[name].over_all)}" if name in run.gains else "")
        )
    lines += _noticed(run.curve)
    return lines


def _noticed(curve: "Curve") -> list[str]:
    """Say which signals a run gave, each once, with what to do."""
    from train.signals.summary import summarise

    said = summarise([asdict(signal) for signal in curve.signals])
    return [f"  signal {line}" for line in said] or ["  no signals"]


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def _percents(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.0%}, {high:.0%}]"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


def span(evaluation: "Evaluation") -> str:
    """An accuracy with its interval."""
    return f"{evaluation.accuracy:.3f} [{evaluation.low:.3f}, {evaluation.high:.3f}]"


def exported(done: "Export") -> list[str]:
    """Say what was written for another trainer."""
    lines = [f"{done.dataset} for {done.format}: {done.folder}"]
    lines += [f"  {name}: {rows:,} rows" for name, rows in done.files.items()]
    if done.media:
        lines.append(f"  {done.media:,} media files beside them")
    if done.redrawn:
        lines.append(
            f"  {done.redrawn:,} rows show media drawn anew; these lie in originals/ as they came"
        )
    return [*lines, "  README.md says which options keep the order"]


def checked(report: "HandoffReport", most: int = 20) -> list[str]:
    """Say which rows a trainer would not take as meant, each fault with its first rows."""
    found = f"{len(report.findings):,} findings" if report.findings else "nothing found"
    lines = [f"{report.path} for {report.trainer}: {report.rows:,} rows, {found}"]
    for fault, count in report.counts.items():
        own = [finding for finding in report.findings if finding.fault == fault]
        lines.append(f"{fault} ({own[0].severity}), {count:,} times")
        for f in own[:most]:
            sample = f" (sample {f.sample_id})" if f.sample_id else ""
            lines.append(f"  {f.file}, row {f.row}{sample}: {f.detail}")
        if count > most:
            lines.append(f"  and {count - most:,} more; --json lists all")
    return lines + [f"note: {note}" for note in report.notes]
