"""`curricle augment audit`: does the right answer survive?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.cli.asking import PLAINLY, Asking
from flows.cli.common import DEFAULTS, Common, bars, print_table, settings_given, show

if TYPE_CHECKING:
    from pipelines.scoring.invariance import AuditEstimate, AuditSummary, Finding

SEVERAL = Parameter(negative="")


def audit(
    *,
    transform: Annotated[tuple[str, ...], SEVERAL] = (),
    recipe: Annotated[tuple[str, ...], SEVERAL] = (),
    where: str | None = None,
    pairs: int | None = None,
    answers: int | None = None,
    margin: float | None = None,
    allow: Annotated[tuple[str, ...], SEVERAL] = (),
    asking: Asking = PLAINLY,
    common: Common = DEFAULTS,
) -> None:
    """Ask a policy about samples as they are and transformed, and say what loses right answers.

    Killed at any moment, the same command goes on where it stopped.

    Parameters
    ----------
    transform
        A transform to audit; may be given several times. Without any, all that there are.
    recipe
        A recipe whose transforms to audit, as strong as it has them.
    where
        SQL condition over `candidates` joined with `difficulty`: which samples to look at.
    pairs
        Most samples for each task and transform.
    answers
        Answers to each sample, and to each of its twins.
    margin
        Points of the pass rate that a transform may cost.
    allow
        `TRANSFORM:TAG`, or `TRANSFORM` for every tag: what to call safe against the label table,
        to see that the audit finds it out. What it finds then blocks nothing.
    """
    from flows import invariance
    from flows.settings import read_settings

    workspace = common.open().require()
    settings = read_settings(workspace)
    wanted = settings_given(settings.invariance, where=where, pairs=pairs, answers=answers)
    augmenting = settings_given(settings.augment, margin=margin)
    which = invariance.Wanted(transform, recipe, allow)
    who, root = asking.who(settings), asking.root(settings)
    if asking.dry_run:
        cost = invariance.estimate_invariance(workspace, who, wanted, augmenting, which, seed=root)
        show(cost, common, _estimated(cost))
        _print_planned(cost, common)
        return
    with bars() as progress:
        done = invariance.audit_invariance(
            workspace,
            who,
            wanted,
            augmenting,
            which,
            seed=root,
            budget=asking.budget(settings),
            progress=progress,
        )
    show(done, common, _audited(done))
    _print_findings(done, common)


def _estimated(cost: "AuditEstimate") -> Iterator[str]:
    needed = "no sensible number of" if cost.pairs_needed is None else f"{cost.pairs_needed:,}"
    yield (
        f"{cost.rollouts:,} rollouts about {cost.samples:,} samples, "
        f"at most {cost.most_tokens:,} tokens"
    )
    yield (
        f"  {cost.margin:g} points with {cost.answers} answers each take {needed} pairs at worst; "
        "a policy that is mostly right, or mostly wrong, needs fewer"
    )


def _audited(done: "AuditSummary") -> Iterator[str]:
    counts = {
        verdict: sum(one.verdict == verdict for one in done.findings)
        for verdict in ("keeps", "loses", "undecided", "no control", "unasked")
    }
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.items() if count)
    yield (
        f"{done.policy}, a margin of {done.margin:g} points: {said or 'nothing to ask'}; "
        f"{done.rollouts:,} rollouts now"
    )
    if done.stopped_by:
        yield (
            f"  the budget of {done.stopped_by} is spent with {done.open_samples:,} samples open; "
            "the same command goes on"
        )


def _print_findings(done: "AuditSummary", common: Common) -> None:
    if common.json:
        return
    if done.findings:
        columns = (
            "task",
            "transform",
            "pairs",
            "clean",
            "twins",
            "difference",
            "control",
            "verdict",
        )
        print_table(columns, map(_row, done.findings))
    if done.forbidden:
        rows = ((one.task, one.transform, one.samples, one.reason) for one in done.forbidden)
        print_table(("task", "transform", "forbidden", "why"), rows)


def _row(found: "Finding") -> tuple[object, ...]:
    name = f"{found.transform} (overridden)" if found.overridden else found.transform
    rates = (_percent(rate) for rate in (found.clean_rate, found.twin_rate))
    said = {
        "undecided": "undecided, " + _needs(found.needed),
        "no control": "no control: it does not know the task",
        "loses": "loses" if found.overridden else "loses, blocked",
    }.get(found.verdict, found.verdict)
    control = _percent(found.control_rate)
    return (found.task, name, found.pairs, *rates, _difference(found), control, said)


def _needs(pairs: int | None) -> str:
    return "at the very margin" if pairs is None else f"needs about {pairs:,} pairs"


def _difference(found: "Finding") -> str:
    if found.difference is None or found.low is None or found.high is None:
        return ""
    return f"{found.difference:+.1%} [{found.low:+.1%}, {found.high:+.1%}]"


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


def _print_planned(cost: "AuditEstimate", common: Common) -> None:
    if common.json:
        return
    rows = [(one.task, one.transform, one.pairs, "") for one in cost.cells]
    rows += [(one.task, one.transform, 0, one.reason) for one in cost.forbidden]
    print_table(("task", "transform", "pairs", "forbidden"), sorted(rows))
