"""What a reward says about one completion."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Score:
    """A value with the reason that a person would want to read beside a wrong answer."""

    value: float
    """What training maximises; it means nothing where `correct` is None."""
    correct: bool | None
    """None is unscored: the grader failed, which says nothing about the answer."""
    reason: str
    components: Mapping[str, float] = field(default_factory=dict)
    """Parts of the value, by name."""


def right(reason: str = "match") -> Score:
    """Give full marks."""
    return Score(1.0, True, reason)


def wrong(reason: str) -> Score:
    """Give none."""
    return Score(0.0, False, reason)


def unscored(reason: str) -> Score:
    """Give no opinion."""
    return Score(0.0, None, reason)


def compared(given: object, gold: object, same: bool) -> Score:
    """Give full marks or none for what was given in place of the reference answer."""
    return right() if same else wrong(f"expected {str(gold)[:80]!r}, got {str(given)[:80]!r}")
