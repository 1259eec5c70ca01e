"""The charts of the page, each for a wide and a narrow screen: the style shows one of the two."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from flows.report.hardness import Bin
from flows.report.svg import (
    Frame,
    area,
    dots,
    drawing,
    polyline,
    tag,
    text,
    whisker,
)

if TYPE_CHECKING:
    from train.evaluation.curves import Curve, CurvePoint, CurveStep
    from train.evaluation.report import RunReport

WIDE, NARROW = 960, 340
MOST_DOTS = 2_000
"""Rows of a set that are drawn one by one; of more, only the mean and the spread are."""
COLUMNS = 120
"""Places along a curriculum at which its tasks are shown."""
MEANS = 40
"""Places along a curriculum at which the mean is taken."""
COLOURS = 7
"""Tasks that have a colour of their own."""
SMOOTHED = 20
"""A line of a run is smoothed over a twentieth of its steps."""

Of = Callable[["CurveStep"], float | None]


def both_widths(draw: Callable[[int], Markup]) -> Markup:
    """Draw for a wide and for a narrow screen."""
    return Markup("{}{}").format(draw(WIDE), draw(NARROW))


def _screen(width: int) -> str:
    return "wide" if width == WIDE else "narrow"


def histogram(bins: Sequence[Bin], shares: tuple[float, float] | None = None) -> Markup:
    """Draw how many samples have which pass rate, those of the set filled, with intervals."""
    return both_widths(lambda width: _histogram(bins, width, shares))


def _histogram(bins: Sequence[Bin], width: int, shares: tuple[float, float] | None) -> Markup:
    most = max(max(b.kept + b.others, b.expected_high) for b in bins) or 1
    frame = Frame.of(width, 260, (0, 1), (0, 1.04 * most), left=44)
    shapes = []
    if shares is not None:
        left, right = frame.x(shares[0]), frame.x(shares[1])
        top, base = frame.y.end, frame.y.start
        shapes.append(
            tag("rect", x=left, y=top, width=right - left, height=base - top, class_="zone")
        )
    ticks = [0, 0.25, 0.5, 0.75, 1] if width == NARROW else [i / 10 for i in range(11)]
    shapes += frame.axes("share of right answers", x_ticks=ticks, percent_x=True)
    for b in bins:
        left, right = frame.x(b.low) + 1.5, frame.x(b.high) - 1.5
        base, kept, top = frame.y(0), frame.y(b.kept), frame.y(b.kept + b.others)
        middle = (left + right) / 2
        shapes += [
            tag("rect", x=left, y=top, width=right - left, height=kept - top, class_="fill-2"),
            tag("rect", x=left, y=kept, width=right - left, height=base - kept, class_="fill"),
            whisker(middle, frame.y(b.expected_low), frame.y(b.expected_high)),
            tag("circle", cx=middle, cy=frame.y(b.expected), r=2.6, class_="mean"),
        ]
    return drawing(width, 260, shapes, _screen(width))


def curriculum(rows: Sequence[dict[str, Any]], tasks: Sequence[str]) -> Markup:
    """Draw pass rate, stage and task along the order of a set."""
    return both_widths(lambda width: _curriculum(rows, tasks, width))


def _curriculum(rows: Sequence[dict[str, Any]], tasks: Sequence[str], width: int) -> Markup:
    last = max(row["position"] for row in rows)
    frame = Frame.of(width, 300, (0, max(1, last)), (0, 1), bottom=62, left=40, top=22)
    colours = {task: f"t{number}" for number, task in enumerate(tasks[:COLOURS])}
    shapes = [*_stages(rows, frame), *frame.axes_y(percent=True)]
    shapes += _course(rows, frame, spread=len(rows) > MOST_DOTS)
    if len(rows) <= MOST_DOTS:
        points = sorted(
            (colours.get(row["task"], "t-other"), row["position"], row["shown"]) for row in rows
        )
        for colour, of_colour in groupby(points, key=lambda point: point[0]):
            shapes.append(
                dots(((frame.x(x), frame.y(y)) for _, x, y in of_colour), f"dots {colour}")
            )
    shapes += _ribbon(rows, frame, colours)
    return drawing(width, 300, shapes, _screen(width))


def _stages(rows: Sequence[dict[str, Any]], frame: Frame) -> Iterator[Markup]:
    """Shade every other stage and write its number above."""
    for stage, of_stage in groupby(rows, key=lambda row: row["stage"]):
        places = [row["position"] for row in of_stage]
        left, right = frame.x(places[0]), frame.x(places[-1])
        if stage % 2 == 0:
            height = frame.y.start - frame.y.end
            yield tag(
                "rect", x=left, y=frame.y.end, width=right - left, height=height, class_="zone"
            )
        wide = right - left > 44
        words = f"stage {stage}" if wide else str(stage)
        yield text((left + right) / 2, frame.y.end - 7, words, anchor="middle", class_="axis")


def _course(rows: Sequence[dict[str, Any]], frame: Frame, *, spread: bool) -> list[Markup]:
    """Draw the mean along the order, and the spread where rows are not drawn one by one."""
    each = max(1, len(rows) // MEANS)
    parts = [rows[start : start + each] for start in range(0, len(rows), each)]
    places = [frame.x(fmean(row["position"] for row in part)) for part in parts]
    means = [frame.y(fmean(row["shown"] for row in part)) for part in parts]
    out = []
    if spread:
        quarters = [sorted(row["shown"] for row in part) for part in parts]
        upper = [frame.y(q[(9 * len(q)) // 10]) for q in quarters]
        lower = [frame.y(q[len(q) // 10]) for q in quarters]
        out.append(
            area(list(zip(places, upper, strict=True)), list(zip(places, lower, strict=True)))
        )
    return [*out, polyline(list(zip(places, means, strict=True)), "line mean-line")]


def _ribbon(
    rows: Sequence[dict[str, Any]], frame: Frame, colours: dict[str, str]
) -> Iterator[Markup]:
    """Draw which tasks are asked where: a stack of shares for each place along the order."""
    places = min(len(rows), COLUMNS if frame.width > NARROW else COLUMNS // 2)
    top, height = frame.y.start + 10, 18.0
    step = (frame.x.end - frame.x.start) / places
    names = [*colours.values(), "t-other"]
    for number in range(places):
        part = rows[number * len(rows) // places : (number + 1) * len(rows) // places]
        y = top
        for name in names:
            share = sum(colours.get(row["task"], "t-other") == name for row in part) / len(part)
            if share:
                x = frame.x.start + number * step
                yield tag(
                    "rect", x=x, y=y, width=step + 0.3, height=height * share, class_=f"area {name}"
                )
                y += height * share
    base = top + height
    last = rows[-1]["position"]
    for value in frame.x.ticks(6 if frame.width > NARROW else 4):
        yield text(frame.x(value), base + 13, f"{value:,.0f}", anchor="middle")
    words = f"position in the set (0 to {last:,}), and the tasks asked there"
    yield text((frame.x.start + frame.x.end) / 2, base + 28, words, anchor="middle", class_="axis")


def planned_and_seen(ranks: Sequence[dict[str, Any]]) -> Markup:
    """Draw the rank at which rows were asked over the rank at which they were planned."""
    seen = [row for row in ranks if row["seen_rank"] is not None]
    most = max((max(row["planned_rank"], row["seen_rank"]) for row in seen), default=1)
    frame = Frame.of(NARROW, 250, (0, most), (0, most), left=44)
    shapes = frame.axes("planned place within stage and lane")
    for name, wrong in (("dots t0", False), ("dots dots-big t1", True)):
        points = [
            (frame.x(row["planned_rank"]), frame.y(row["seen_rank"]))
            for row in seen
            if row["out_of_place"] is wrong
        ]
        if points:
            shapes.append(dots(points, name))
    return drawing(NARROW, 250, shapes)


@dataclass(frozen=True, slots=True)
class Panel:
    """A small chart of a run, with what it shows in words."""

    title: str
    picture: Markup
    words: str


def run_panels(run: "RunReport") -> list[Panel]:
    """Draw what a run logged; what it did not log is left out."""
    curve = run.curve
    panels = [_accuracy(curve)]
    lines: Sequence[tuple[str, Of, bool]] = (
        ("groups without signal", lambda s: s.zero_advantage_share, True),
        ("reward of the verifier", lambda s: s.reward, False),
        ("entropy, nats a token", lambda s: s.entropy, False),
        ("length, tokens an answer", lambda s: s.length, False),
        ("answers cut off", lambda s: s.cut_share, True),
        ("KL to the first policy", lambda s: s.kl or None, False),
    )
    for title, of, share in lines:
        if any(of(step) is not None for step in curve.steps):
            line = run.silent.predicted if title.startswith("groups") else None
            panels.append(_line_panel(curve, title, of, share, line))
    return [panel for panel in panels if panel is not None]


def _accuracy(curve: "Curve") -> Panel | None:
    """Training answers as a line, measurements on held-out samples as points with intervals."""
    last = max([s.step for s in curve.steps] + [0])
    measured = curve.measured.get("held-out", ())
    training = [(s.step, s.accuracy) for s in curve.steps if s.accuracy is not None]
    if not measured and not training:
        return None
    frame = _panel_frame(last, (0, 1))
    shapes = [*frame.axes("step", percent_y=True), *_signals(curve, frame)]
    if training:
        shapes.append(_smooth(training, frame, "line faint"))
    shapes += _measured(measured, frame)
    said = [f"held-out accuracy {_course_words(measured)}"] if measured else []
    if training:
        said.append(f"of training answers {training[0][1]:.0%} to {training[-1][1]:.0%} right")
    return Panel("accuracy: held-out (points), training (line)", _panel(shapes), "; ".join(said))


def _measured(points: "Sequence[CurvePoint]", frame: Frame) -> Iterator[Markup]:
    for point in points:
        x, one = frame.x(point.step), point.evaluation
        yield whisker(x, frame.y(one.low), frame.y(one.high))
        yield tag("circle", cx=x, cy=frame.y(one.accuracy), r=3.6, class_="point")


def _course_words(points: "Sequence[CurvePoint]") -> str:
    return " to ".join(f"{point.evaluation.accuracy:.1%}" for point in (points[0], points[-1]))


def _line_panel(curve: "Curve", title: str, of: Of, share: bool, line: float | None) -> Panel:
    points = [(s.step, value) for s in curve.steps if (value := of(s)) is not None]
    values = [value for _, value in points]
    bounds = (0.0, 1.0) if share else (min(0.0, *values), 1.05 * max(values) or 1.0)
    frame = _panel_frame(points[-1][0], bounds)
    shapes = [*frame.axes("step", percent_y=share), *_signals(curve, frame)]
    said = f"{title} from {_told(values[0], share)} to {_told(values[-1], share)}"
    if line is not None:
        y = frame.y(line)
        shapes.append(
            tag("path", d=f"M{frame.x.start:.1f} {y:.1f}H{frame.x.end:.1f}", class_="rule")
        )
        shapes.append(text(frame.x.end, y - 4, f"predicted {line:.0%}", anchor="end"))
        said += f", predicted {line:.0%}"
    shapes.append(_smooth(points, frame, "line"))
    return Panel(title, _panel(shapes), said)


def _told(value: float, share: bool) -> str:
    return f"{value:.0%}" if share else f"{value:.3g}"


def _panel_frame(last: float, bounds: tuple[float, float]) -> Frame:
    return Frame.of(NARROW, 190, (0, max(1, last)), bounds)


def _panel(shapes: Sequence[Markup]) -> Markup:
    return drawing(NARROW, 190, shapes)


def _signals(curve: "Curve", frame: Frame) -> Iterator[Markup]:
    """Mark the steps at which a signal was noticed."""
    for step in sorted({signal.step for signal in curve.signals}):
        x = frame.x(step)
        yield tag("path", d=f"M{x:.1f} {frame.y.end:.1f}V{frame.y.start:.1f}", class_="signal")
        yield tag("path", d=f"M{x - 4:.1f} {frame.y.end:.1f}h8l-4 6z", class_="signal-head")


def _smooth(points: Sequence[tuple[float, float]], frame: Frame, class_: str) -> Markup:
    """Draw a line through the means of neighbours."""
    reach = max(0, len(points) // SMOOTHED // 2)
    smoothed = []
    for number, (x, _) in enumerate(points):
        near = points[max(0, number - reach) : number + reach + 1]
        smoothed.append((frame.x(x), frame.y(fmean(value for _, value in near))))
    return polyline(smoothed, class_)
