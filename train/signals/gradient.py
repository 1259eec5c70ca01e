"""The gradient, and every number that should be one."""

import math
from typing import Any

from pipelines.record.canonical import Json
from train.signals.memory import Remembers, Series, metric
from train.signals.reading import Reading
from train.signals.trust import ENOUGH, MEDIAN_OF
from train.step import StepFacts

WATCHED = ("loss", "grad_norm", "reward", "entropy", "kl", "clip_ratio/region_mean")
"""TRL drops what is NaN from its logs, so that one of these is missing means the same."""
NO_GRADIENT = 1e-6


class GradientSpike(Remembers):
    """The gradient's norm beside the median of those of 50 steps before, steps without one aside."""

    def __init__(self) -> None:
        self.past = Series(MEDIAN_OF)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it once twenty gradients are known."""
        norm = metric(facts, "grad_norm")
        if norm is None or norm <= NO_GRADIENT:
            return None
        usual = self.past.median if len(self.past) >= ENOUGH else None
        self.past.add(norm)
        if usual is None:
            return None
        return Reading(norm / usual, f"norm {norm:.3g}, usually {usual:.3g}")


class NotFinite:
    """How many of the step's numbers are NaN, infinite, or missing although they were there."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def observe(self, facts: StepFacts) -> Reading | None:
        """Count them; each step stands for itself."""
        odd = [f"{k} is {v}" for k, v in facts.metrics.items() if not math.isfinite(v)]
        odd += [f"{name} is missing" for name in WATCHED if self._lost(name, facts)]
        bad = sum(not math.isfinite(a.advantage) for a in facts.answers)
        odd += [f"{bad} advantages are not finite"] if bad else []
        self.seen |= {name for name in WATCHED if name in facts.metrics}
        return Reading(float(len(odd)), "; ".join(odd) or "all finite")

    def _lost(self, name: str, facts: StepFacts) -> bool:
        return name in self.seen and name not in facts.metrics

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep."""
        return {"seen": sorted(self.seen)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.seen = set(state["seen"])
