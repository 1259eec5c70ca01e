"""From the raw results of `learning.py` to the tables and the plot in docs/results.md."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from scipy.stats import t as student

if TYPE_CHECKING:
    from learning import Outcome

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "results.md"
PLOT = DOCS / "images" / "learning.png"
BEGIN, END = "<!-- learning: written by the command below -->", "<!-- learning: end -->"
ARM_ORDER = (
    *("full pool", "random control", "band", "by search"),
    *("band, easy to hard", "band, noisy rollouts", "band, replay"),
)
FULL, CONTROL = "full pool", "random control"
Runs = Sequence["Outcome"]


def write(outcomes: Runs) -> dict[str, object]:
    """Write tables and plot, and give the figures."""
    settings: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        settings[(outcome.pool, outcome.batch)].append(outcome)
    sections, figures = [], {}
    for (pool, batch), runs in sorted(settings.items(), key=_place):
        seeds = complete_seeds(runs)
        kept = whole_arms([run for run in runs if run.seed in seeds], seeds)
        if not kept:
            continue
        sections.append(table(pool, batch, kept))
        figures |= {
            f"{pool}, {batch}: {arm} - {CONTROL}": _rounded(against(kept, arm, CONTROL))
            for arm in arms(kept)
            if arm != CONTROL
        }
    plot(settings, PLOT)
    text = "\n\n".join(
        [
            BEGIN,
            "`python benchmarks/learning.py` (raw results: benchmarks/results/learning.jsonl)",
            f"![Held-out accuracy against training rollouts]({PLOT.relative_to(DOCS)})",
            *sections,
            target(settings),
            END,
        ]
    )
    page = PAGE.read_text()
    old = re.search(f"{re.escape(BEGIN)}.*?{re.escape(END)}", page, re.DOTALL)
    if old is None:
        raise SystemExit(f"{PAGE.name} has no place for the results: {BEGIN} ... {END}")
    PAGE.write_text(page[: old.start()] + text + page[old.end() :])
    print(text)
    return figures


def arms(runs: Runs) -> list[str]:
    found = {run.arm for run in runs}
    return [arm for arm in ARM_ORDER if arm in found]


def complete_seeds(runs: Runs) -> set[int]:
    """The seeds for which each arm that most seeds have was run: only they compare pairwise."""
    by_arm: dict[str, set[int]] = defaultdict(set)
    for run in runs:
        by_arm[run.arm].add(run.seed)
    most = max(len(seeds) for seeds in by_arm.values())
    shared = [seeds for seeds in by_arm.values() if len(seeds) == most]
    return set.intersection(*shared)


def whole_arms(runs: Runs, seeds: set[int]) -> list["Outcome"]:
    """Leave out the arms that were not run for all of these seeds."""
    found = {arm: {run.seed for run in runs if run.arm == arm} for arm in arms(runs)}
    return [run for run in runs if found[run.arm] >= seeds]


def table(pool: str, batch: str, runs: Runs) -> str:
    """One table: what each arm came to, and its difference to the control and the full pool."""
    share = {"small": "a fifth", "middle": "half", "large": "four fifths"}[pool]
    prompts = {"small": 4, "large": 16}[batch]
    seeds = len({run.seed for run in runs})
    lines = [
        f"**{share.capitalize()} of the pool out of reach, {prompts} prompts a step** ({seeds} seeds)",
        "",
        "| trained on | samples | held-out, points won | noisy, points won | "
        "less the control's | less the full pool's | groups without signal | "
        "rollouts with scoring | seconds with scoring |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for arm in arms(runs):
        mine = [run for run in runs if run.arm == arm]
        cells = [
            f"{fmean(run.samples for run in mine):.0f}",
            _words(interval([100 * (r.held_out[-1] - r.held_out[0]) for r in mine])),
            _words(interval([100 * (r.noisy[-1] - r.noisy[0]) for r in mine])),
            "" if arm == CONTROL else _words(against(runs, arm, CONTROL)),
            "" if arm == FULL else _words(against(runs, arm, FULL)),
            f"{fmean(run.no_signal for run in mine):.0%}",
            f"{fmean(run.rollouts[-1] + run.scoring for run in mine):,.0f}",
            f"{fmean(run.seconds + run.scoring_seconds for run in mine):.0f}",
        ]
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def against(runs: Runs, arm: str, other: str) -> tuple[float, float]:
    """Held-out points that an arm is ahead of another at the end, paired by seed."""
    ends = {(run.arm, run.seed): run.held_out[-1] for run in runs}
    seeds = sorted({run.seed for run in runs})
    return interval([100 * (ends[arm, seed] - ends[other, seed]) for seed in seeds])


def target(settings: dict[tuple[str, str], list["Outcome"]]) -> str:
    """At how many training rollouts each arm has the full pool's final accuracy, by its means."""
    lines = [
        "**Training rollouts until the mean held-out accuracy is the full pool's at its end** "
        "(measured half-way and at the end; none: not reached)",
        "",
    ]
    names: list[str] = []
    rows = []
    for (pool, batch), runs in sorted(settings.items(), key=_place):
        seeds = complete_seeds(runs)
        kept = whole_arms([run for run in runs if run.seed in seeds], seeds)
        if not kept:
            continue
        names = names or [arm for arm in ARM_ORDER if arm != FULL]
        goal = fmean(run.held_out[-1] for run in kept if run.arm == FULL)
        cells = [_reached([r for r in kept if r.arm == arm], goal) for arm in names]
        rows.append(f"| {pool}, {batch} batches | {goal:.1%} | " + " | ".join(cells) + " |")
    lines += [
        "| pool | full pool at its end | " + " | ".join(names) + " |",
        "|---" * (len(names) + 2) + "|",
        *rows,
    ]
    return "\n".join(lines)


def _reached(runs: Runs, goal: float) -> str:
    if not runs:
        return "not run"
    for place, rollouts in enumerate(runs[0].rollouts):
        if place and fmean(run.held_out[place] for run in runs) >= goal:
            return f"{rollouts:,}"
    return "none"


def plot(settings: dict[tuple[str, str], list["Outcome"]], path: Path) -> None:
    """Draw the mean held-out accuracy of each arm against training rollouts, a field a setting."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    known = [place for place, runs in sorted(settings.items(), key=_place) if runs]
    columns = min(3, len(known))
    figure, fields = plt.subplots(
        *(-(-len(known) // columns), columns),
        figsize=(4.2 * columns, 3.6 * -(-len(known) // columns) + 0.8),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    styles = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    labelled: dict[str, object] = {}
    for field, (pool, batch) in zip(fields.flat, known, strict=False):
        runs = settings[pool, batch]
        seeds = complete_seeds(runs)
        shown = whole_arms([run for run in runs if run.seed in seeds], seeds)
        for number, arm in enumerate(ARM_ORDER):
            mine = [run for run in shown if run.arm == arm]
            if mine:
                labelled.setdefault(arm, _line(field, mine, styles[number]))
        share = {"small": "a fifth", "middle": "half", "large": "four fifths"}[pool]
        prompts = {"small": 4, "large": 16}[batch]
        field.set_title(f"{share} out of reach, {prompts} prompts a step", fontsize=10)
        field.grid(visible=True, alpha=0.3)
        field.set_xlabel("training rollouts")
    for empty in list(fields.flat)[len(known) :]:
        empty.set_axis_off()
    fields[0][0].set_ylabel("held-out accuracy, mean over seeds")
    figure.legend(
        labelled.values(), labelled.keys(), loc="outside lower center", ncols=3, frameon=False
    )
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _line(field: Any, runs: Runs, colour: str) -> object:
    width = min(len(run.rollouts) for run in runs)
    means = [fmean(run.held_out[i] for run in runs) for i in range(width)]
    return field.plot(runs[0].rollouts[:width], means, "o-", color=colour, markersize=3)[0]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of Student's 95% interval over seeds."""
    if len(values) < 2:
        return fmean(values), float("inf")
    spread = stdev(values) / len(values) ** 0.5
    return fmean(values), float(student.ppf(0.975, len(values) - 1)) * spread


def _words(found: tuple[float, float]) -> str:
    return f"{found[0]:+.1f} ± {found[1]:.1f}"


def _rounded(found: Iterable[float]) -> list[float]:
    return [round(value, 2) for value in found]


_place: Callable[[tuple[tuple[str, str], object]], tuple[int, int]] = lambda item: (  # noqa: E731
    ("small", "middle", "large").index(item[0][0]),
    ("small", "large").index(item[0][1]),
)
