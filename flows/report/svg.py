"""Drawing charts as SVG: a few shapes, scales with round ticks, and text that is always escaped.

Colours are classes, so that the page's style decides them for light, dark and print.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

LINE = 14
"""Pixels from one line of a chart's text to the next."""


def tag(name: str, *inside: str, **attributes: str | float | None) -> Markup:
    """Make an element: `class_` is `class`, `stroke_width` is `stroke-width`, None is left out."""
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    return Markup("<{}{}>{}</{}>").format(name, written, Markup("").join(inside), name)


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, *, anchor: str = "start", class_: str = "tick") -> Markup:
    """Write a line of text."""
    return tag("text", words, x=x, y=y, text_anchor=anchor, class_=class_)


def drawing(width: float, height: float, shapes: Iterable[str], class_: str = "") -> Markup:
    """Put shapes into a picture that its figure describes: it is hidden from readers aloud."""
    return tag(
        "svg",
        *shapes,
        viewBox=f"0 0 {_number(width)} {_number(height)}",
        class_=f"chart {class_}".strip(),
        aria_hidden="true",
        focusable="false",
    )


def polyline(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """Draw a line through points."""
    return tag("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=class_)


def dots(points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Draw many dots as one shape: each is a line of no length with round ends."""
    return tag("path", d="".join(f"M{x:.1f} {y:.1f}h0" for x, y in points), class_=class_)


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> Markup:
    """Fill what lies between two lines."""
    around = [*upper, *reversed(lower)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in around) + "Z"
    return tag("path", d=path, class_="band")


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the pixel of a value; what lies outside is drawn at the edge."""
        span = self.high - self.low
        share = 0.0 if not span else (value - self.low) / span
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Give at most `most` round values within the scale."""
        return round_ticks(self.low, self.high, most)


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Give round values between two bounds, evenly spaced, at most so many."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def tick_words(value: float) -> str:
    """Write the number of a tick as short as can be."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a chart."""

    width: float
    height: float
    x: Scale
    y: Scale

    @classmethod
    def of(
        cls,
        width: float,
        height: float,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        left: float = 40,
        right: float = 16,
        top: float = 8,
        bottom: float = 34,
    ) -> "Frame":
        """Leave room for the words at the edges."""
        return cls(
            width,
            height,
            Scale(*x, left, width - right),
            Scale(*y, height - bottom, top),
        )

    def axes(
        self,
        x_title: str,
        *,
        x_ticks: Sequence[float] | None = None,
        percent_x: bool = False,
        percent_y: bool = False,
    ) -> list[Markup]:
        """Draw the grid and its numbers."""
        out, base = self.axes_y(percent=percent_y), self.y.start
        for value in self.x.ticks(7) if x_ticks is None else x_ticks:
            words = f"{100 * value:g}%" if percent_x else tick_words(value)
            out.append(text(self.x(value), base + LINE, words, anchor="middle"))
        middle = (self.x.start + self.x.end) / 2
        out.append(text(middle, base + 2 * LINE + 1, x_title, anchor="middle", class_="axis"))
        out.append(tag("path", d=f"M{self.x.start:.1f} {base:.1f}H{self.x.end:.1f}", class_="base"))
        return out

    def axes_y(self, *, percent: bool = False) -> list[Markup]:
        """Draw the lines across, with their numbers."""
        out = []
        for value in self.y.ticks(5):
            y = self.y(value)
            out.append(
                tag("path", d=f"M{self.x.start:.1f} {y:.1f}H{self.x.end:.1f}", class_="grid")
            )
            words = f"{100 * value:g}%" if percent else tick_words(value)
            out.append(text(self.x.start - 5, y + 3.5, words, anchor="end"))
        return out


def whisker(x: float, low: float, high: float, reach: float = 3.5) -> Markup:
    """Draw an interval upright, with short caps."""
    path = (
        f"M{x:.1f} {low:.1f}V{high:.1f}M{x - reach:.1f} {low:.1f}h{2 * reach:.1f}"
        f"M{x - reach:.1f} {high:.1f}h{2 * reach:.1f}"
    )
    return tag("path", d=path, class_="whisker")


def bar(share: float, class_: str = "fill", second: float = 0.0) -> Markup:
    """Draw a share as a bar for a cell of a table; `second` is added behind it, lighter."""
    shapes = [tag("rect", x=0, y=0, width=100, height=8, class_="trough")]
    if second:
        both = min(1.0, share + second)
        shapes.append(tag("rect", x=0, y=0, width=100 * both, height=8, class_="fill-2"))
    shapes.append(tag("rect", x=0, y=0, width=max(0.0, 100 * share), height=8, class_=class_))
    return tag(
        "svg",
        *shapes,
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
        focusable="false",
    )


def interval(
    middle: float, low: float | None, high: float | None, scale: tuple[float, float]
) -> Markup:
    """Draw a value with its interval for a cell of a table; zero is marked where it lies inside."""
    place = Scale(*scale, 4, 136)
    shapes = [tag("path", d="M4 7H136", class_="grid")]
    if scale[0] < 0 < scale[1]:
        shapes.append(tag("path", d=f"M{place(0):.1f} 0V14", class_="base"))
    if low is not None and high is not None:
        shapes.append(tag("path", d=f"M{place(low):.1f} 7H{place(high):.1f}", class_="span"))
    shapes.append(tag("circle", cx=place(middle), cy=7, r=3.4, class_="point"))
    return tag(
        "svg",
        *shapes,
        viewBox="0 0 140 14",
        class_="interval",
        aria_hidden="true",
        focusable="false",
    )
