"""`curricle score think`: which tasks want thinking, and which are answered as well without."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.cli.asking import PLAINLY, Asking
from flows.cli.common import DEFAULTS, Common, bars, print_table, settings_given, show

if TYPE_CHECKING:
    from pipelines.scoring.think import ThinkFinding, ThinkSummary


def think(
    *,
    where: str | None = None,
    samples: int | None = None,
    answers: int | None = None,
    direct: str | None = None,
    asking: Asking = PLAINLY,
    common: Common = DEFAULTS,
) -> None:
    """Ask to think and to answer directly: which tasks want thinking.

    `--template` is the one that thinks. What is found never mixes into `difficulty`.

    Parameters
    ----------
    where
        SQL condition over `candidates` joined with `difficulty`: which samples to ask about.
    samples
        Most samples of each task.
    answers
        Answers to each sample under each template.
    direct
        Template that answers directly, by name.
    """
    from flows.settings import read_settings
    from flows.summaries import probe_estimated
    from flows.think import estimate_think
    from flows.think import think as ask_both

    workspace = common.open().require()
    settings = read_settings(workspace)
    who, root = asking.who(settings), asking.root(settings)
    wanted = settings_given(
        settings.think, where=where, samples=samples, answers=answers, direct=direct
    )
    if asking.dry_run:
        with bars() as progress:
            cost = estimate_think(workspace, who, wanted, seed=root, progress=progress)
        show(cost, common, probe_estimated(cost))
        return
    with bars() as progress:
        done = ask_both(
            workspace,
            who,
            wanted,
            seed=root,
            budget=asking.budget(settings),
            progress=progress,
        )
    show(done, common, _compared(done))
    if done.findings and not common.json:
        columns = (
            "task",
            "samples",
            "thinking",
            "direct",
            "gain",
            "tokens, thinking / direct",
            "mode",
        )
        print_table(columns, map(_row, done.findings))


def _compared(done: "ThinkSummary") -> Iterator[str]:
    modes = [one.mode for one in done.findings]
    said = ", ".join(
        f"{modes.count(mode):,} {what}"
        for mode, what in (
            ("think", "want thinking"),
            ("direct", "are answered directly"),
            ("undecided", "undecided"),
        )
        if mode in modes
    )
    yield (
        f"{done.policy}, template {done.thinking!r} against {done.direct!r}: "
        f"tasks: {said or 'none compared'}; {done.rollouts:,} rollouts now"
    )
    if done.stopped_by:
        yield (
            f"  the budget of {done.stopped_by} is spent with {done.open_samples:,} samples open; "
            "the same command goes on"
        )
    for one in done.findings:
        if one.thinking_cut > 0.1:
            yield (
                f"  {one.task}: {one.thinking_cut:.0%} of the thinking answers were cut; give them "
                "more --max-tokens before you judge"
            )


def _row(found: "ThinkFinding") -> tuple[object, ...]:
    mode = found.mode
    if mode == "undecided":
        needs = f"about {found.needed:,} samples" if found.needed else "more than is sensible"
        mode = f"undecided, needs {needs}"
    return (
        found.task,
        found.pairs,
        f"{found.thinking_rate:.1%}",
        f"{found.direct_rate:.1%}",
        f"{found.gain:+.1%} [{found.low:+.1%}, {found.high:+.1%}]",
        f"{found.thinking_tokens:.0f} / {found.direct_tokens:.0f}",
        mode,
    )
