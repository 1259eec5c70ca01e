"""Pictures of runs: the learning curves of one, and several against what they cost."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from train.evaluation.curves import Curve, CurvePoint, CurveStep

if TYPE_CHECKING:
    from train.evaluation.report import RunReport

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, told apart by people who see fewer colours."""
OF_SET = {"held-out": "#0072B2", "noisy": "#D55E00", "blind": "#595959", "retention": "#009E73"}
GREY, RED = "#8C8C8C", "#B00020"
ASIDE = 0.006
"""Share of the width by which points move aside, so that their intervals do not hide each other."""
DPI = 130
SMOOTHED = 20
"""A line is smoothed over a twentieth of the run."""

Of = Callable[[CurveStep], float | None]


def draw_run(run: "RunReport", path: Path) -> Path:
    """Draw the learning curves of one run; what it did not log is left out."""
    curve = run.curve
    panels: list[Callable[[Any], None]] = [
        lambda axes: _accuracies(axes, curve),
        lambda axes: _line(axes, curve, lambda s: s.reward, "reward of the verifier"),
        lambda axes: _silent(axes, run),
        lambda axes: _line(axes, curve, lambda s: s.entropy, "entropy, nats a token"),
        lambda axes: _line(axes, curve, lambda s: s.length, "length, tokens an answer"),
    ]
    if any(step.kl for step in curve.steps):
        panels.append(lambda axes: _line(axes, curve, lambda s: s.kl, "KL to the first policy"))
    else:
        panels.append(lambda axes: _line(axes, curve, lambda s: s.cut_share, "share cut off"))
    figure, grid = _figure(2, 3, 13.5, 7.8)
    noticed = _first_signals(curve)
    for axes, panel in zip(grid.flat, panels, strict=True):
        panel(axes)
        axes.set_xlabel("training step")
        axes.xaxis.get_major_locator().set_params(integer=True)
        _within(axes, curve.steps[-1].step if curve.steps else 1)
        _mark(axes, noticed)
    said = f"run {run.run_id[:12]}: {run.policy} on {run.dataset}, seed {run.seed}"
    named = [f"{i}: {name} at step {step}" for i, (name, step) in enumerate(noticed.items(), 1)]
    lines = [said, *(", ".join(named[i : i + 5]) for i in range(0, len(named), 5))]
    figure.suptitle("\n".join(lines), fontsize=11)
    _legend_below(figure, grid[0][0])
    return _saved(figure, path)


def draw_comparison(runs: Sequence["RunReport"], path: Path) -> Path:
    """Draw what runs reached on each set, against what they asked and how long they took."""
    names = [name for name in OF_SET if any(name in run.curve.measured for run in runs)]
    rows = max(1, len(names))
    figure, grid = _figure(rows, 2, 11.5, 3.4 * rows + 1.2)
    costs: list[tuple[str, Callable[[CurvePoint], float]]] = [
        ("training rollouts", lambda point: point.rollouts),
        ("minutes of training", lambda point: point.seconds / 60),
    ]
    for row, name in enumerate(names):
        for axes, (label, cost) in zip(grid[row], costs, strict=True):
            most = max(
                (cost(p) for run in runs for p in run.curve.measured.get(name, ())), default=0
            )
            for number, run in enumerate(runs):
                points = run.curve.measured.get(name, ())
                x = [cost(point) + number * ASIDE * most for point in points]
                colour = COLOURS[number % len(COLOURS)]
                _points(axes, x, points, colour=colour, label=run.label)
            axes.set_title(f"accuracy, {name}", fontsize=10)
            axes.set_xlabel(label)
            _within(axes, most or 1)
    _legend_below(figure, grid[0][0])
    return _saved(figure, path)


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    # A figure of its own canvas (Agg): no screen is needed, and pyplot keeps no state.
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return figure, grid


def _saved(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI)
    return path


def _within(axes: Any, most: float) -> None:
    """Leave room for intervals at both ends."""
    axes.set_xlim(-0.02 * most, 1.05 * most)


def _legend_below(figure: Any, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        columns = min(6, len(labels))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=9)


def _accuracies(axes: Any, curve: Curve) -> None:
    """Training answers as lines, measurements as points with their intervals."""
    _smooth(axes, curve, lambda s: s.accuracy, GREY, "training answers")
    _smooth(axes, curve, lambda s: s.noisy_accuracy, "#E69F00", "training answers, noisy view")
    last = curve.steps[-1].step if curve.steps else 0
    for number, (name, colour) in enumerate(OF_SET.items()):
        points = curve.measured.get(name, ())
        x = [point.step + number * ASIDE * last for point in points]
        _points(axes, x, points, colour=colour, label=name)
    axes.set_title("accuracy", fontsize=10)
    axes.set_ylim(0, 1)


def _silent(axes: Any, run: "RunReport") -> None:
    """Groups that taught nothing, beside what curation expected of a first pass."""
    _smooth(axes, run.curve, lambda s: s.zero_advantage_share, COLOURS[0], "found")
    if run.silent.predicted is not None:
        axes.axhline(
            run.silent.predicted, color=GREY, linestyle="--", linewidth=1.2, label="predicted"
        )
    axes.set_title("share of groups without signal", fontsize=10)
    axes.set_ylim(0, 1)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=8, frameon=False)


def _line(axes: Any, curve: Curve, of: Of, title: str) -> None:
    _smooth(axes, curve, of, COLOURS[0], title)
    axes.set_title(title, fontsize=10)
    known = [value for step in curve.steps if (value := of(step)) is not None]
    if known:
        low, high = min(0.0, *known), max(known)
        axes.set_ylim(1.08 * low, 1.08 * high or 1)
    else:
        axes.text(0.5, 0.5, "not logged", ha="center", transform=axes.transAxes, color=GREY)


def _smooth(axes: Any, curve: Curve, of: Of, colour: str, label: str) -> None:
    """A thin line of what was logged, and over it a running mean."""
    known = [(step.step, value) for step in curve.steps if (value := of(step)) is not None]
    if not known:
        return
    x, y = zip(*known, strict=True)
    window = max(1, len(known) // SMOOTHED)
    if window > 1:
        axes.plot(x, y, color=colour, alpha=0.25, linewidth=0.7)
    means = [fmean(y[max(0, i - window + 1) : i + 1]) for i in range(len(y))]
    axes.plot(x, means, color=colour, linewidth=1.6, label=label)


def _points(
    axes: Any,
    x: Sequence[float],
    points: Sequence[CurvePoint],
    *,
    colour: str,
    label: str,
) -> None:
    """Measurements with their intervals."""
    if not points:
        return
    found = [point.evaluation for point in points]
    y = [one.accuracy for one in found]
    # Where every answer is alike, or rounding says so, an interval may end at the rate itself.
    below = [max(0.0, one.accuracy - one.low) for one in found]
    above = [max(0.0, one.high - one.accuracy) for one in found]
    axes.errorbar(
        x,
        y,
        yerr=[below, above],
        color=colour,
        label=label,
        marker="o",
        markersize=4,
        linewidth=1.6,
        elinewidth=1,
        capsize=2.5,
    )


def _first_signals(curve: Curve) -> dict[str, int]:
    """The step at which each failure signature was first noticed."""
    first: dict[str, int] = {}
    for signal in curve.signals:
        first.setdefault(signal.signature, signal.step)
    return first


def _mark(axes: Any, noticed: Mapping[str, int]) -> None:
    """Mark where signatures were noticed, by the numbers that the title explains."""
    above = axes.get_xaxis_transform()
    for number, step in enumerate(noticed.values(), 1):
        axes.axvline(step, color=RED, linewidth=0.9, linestyle=":")
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        middle = {"ha": "center", "va": "top"}
        axes.text(step, 0.98, number, transform=above, fontsize=8, color=RED, bbox=box, **middle)
