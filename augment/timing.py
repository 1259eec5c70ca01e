"""Where the moments of a clip or a video go when it is cut or played at another speed.

Times are exact rationals, so that a chain of speeds and cuts adds no error of its own. Seconds are
continuous: 0 is the start of the first sample or frame, and `seconds` the end of the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from augment.errors import AugmentError

Seconds: TypeAlias = int | float | Fraction
Span: TypeAlias = tuple[Fraction, Fraction]
"""From and until."""


@dataclass(frozen=True, slots=True)
class TimeMove:
    """Where every moment goes, t' = scale t + shift, and how long what it goes to lasts."""

    scale: Fraction
    """Above 0: time is never played backwards."""
    shift: Fraction
    seconds: Fraction

    def __post_init__(self) -> None:
        if self.scale <= 0 or self.seconds < 0:
            raise AugmentError(
                f"time cannot be scaled by {self.scale} into a clip of {self.seconds} seconds"
            )

    def move_times(self, times: Sequence[Seconds]) -> list[Fraction]:
        """Move each moment, also one that is cut away (`is_inside` tells)."""
        return [self.scale * Fraction(time) + self.shift for time in times]

    def move_span(self, start: Seconds, end: Seconds) -> Span:
        """Move a stretch of time, and cut it to what is left of the clip."""
        first, last = self.move_times([start, end])
        return (
            min(max(first, Fraction(0)), self.seconds),
            min(max(last, Fraction(0)), self.seconds),
        )

    def is_inside(self, time: Seconds) -> bool:
        """Tell whether a moment of the original is still in the clip."""
        return 0 <= self.move_times([time])[0] <= self.seconds

    def visible_share(self, start: Seconds, end: Seconds) -> Fraction:
        """Return how much of a stretch of the original is still in the clip, from 0 to 1."""
        if Fraction(start) == Fraction(end):
            return Fraction(int(self.is_inside(start)))
        first, last = self.move_span(start, end)
        return (last - first) / self.scale / (Fraction(end) - Fraction(start))

    def then(self, after: "TimeMove") -> "TimeMove":
        """Return the one move that does this and afterwards the other."""
        return TimeMove(
            after.scale * self.scale, after.scale * self.shift + after.shift, after.seconds
        )

    def inverse(self, seconds: Seconds) -> "TimeMove":
        """Return the way back, to an original that lasted `seconds`."""
        return TimeMove(1 / self.scale, -self.shift / self.scale, Fraction(seconds))


def same_time(seconds: Seconds) -> TimeMove:
    """Return the move of a transform that leaves every moment where it is."""
    return TimeMove(Fraction(1), Fraction(0), Fraction(seconds))


def at_speed(seconds: Seconds, *, percent: int) -> TimeMove:
    """Return the move of playing at `percent` of the speed: twice as fast, half as late."""
    scale = Fraction(100, percent)
    return TimeMove(scale, Fraction(0), scale * Fraction(seconds))


def cut(start: Seconds, end: Seconds) -> TimeMove:
    """Return the move of keeping only what is from `start` to `end`."""
    return TimeMove(Fraction(1), -Fraction(start), Fraction(end) - Fraction(start))
