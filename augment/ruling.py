"""What may be done to a sample: safe, safe once the answer moves too, or forbidden, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from augment.transform import Limits

Outcome: TypeAlias = Literal["safe", "remap", "forbid"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a transform may be used, why, and how strongly at most."""

    outcome: Outcome
    reason: str
    limits: Limits = field(default_factory=dict)
    """Lowest and highest value of a drawn parameter; one that is not named is free."""

    @property
    def allowed(self) -> bool:
        """Say whether it may be used, be it only together with a moved answer."""
        return self.outcome != "forbid"


def safe(reason: str, **limits: tuple[int, int]) -> Ruling:
    """The answer stays true within the limits."""
    return Ruling("safe", reason, limits)


def remap(reason: str, **limits: tuple[int, int]) -> Ruling:
    """The answer stays true once it is moved with the media."""
    return Ruling("remap", reason, limits)


def forbid(reason: str) -> Ruling:
    """The answer may become false."""
    return Ruling("forbid", reason)


def narrowed(ruling: Ruling, limits: Limits) -> Ruling:
    """Return the ruling with further limits on top; forbid where they leave no value."""
    merged = dict(ruling.limits)
    for key, (low, high) in limits.items():
        lowest, highest = merged.get(key, (low, high))
        merged[key] = max(low, lowest), min(high, highest)
        if merged[key][0] > merged[key][1]:
            return forbid(
                f"{key} must lie within {lowest} to {highest} here, "
                f"and {low} to {high} was asked for"
            )
    return Ruling(ruling.outcome, ruling.reason, merged)


def together(rules: Sequence[Ruling]) -> Ruling:
    """Join rules: one that forbids decides, one that remaps holds for all, limits intersect."""
    for rule in rules:
        if not rule.allowed:
            return rule
    joined = rules[0]
    for rule in rules[1:]:
        reason = f"{joined.reason}; {rule.reason}"
        outcome: Outcome = "remap" if "remap" in (joined.outcome, rule.outcome) else "safe"
        joined = narrowed(Ruling(outcome, reason, joined.limits), rule.limits)
        if not joined.allowed:
            return joined
    return joined
