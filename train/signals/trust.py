"""How far the policy moved: from its reference (KL), in one update (clipping), from its engine."""

from train.signals.memory import Remembers, Series, metric, reward
from train.signals.reading import Reading
from train.step import StepFacts

MEDIAN_OF = 50
ENOUGH = 20
"""Steps from which a median means something."""
NOTICED = 0.01
"""KL per token below which no jump matters: a run begins at 0, and any rise is tenfold there."""


class Metric(Remembers):
    """A logged metric as it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def observe(self, facts: StepFacts) -> Reading | None:
        """Read it."""
        value = metric(facts, self.name)
        return None if value is None else Reading(value, f"{self.name} {value:.4g}")


class KlJump(Remembers):
    """KL beside the median of the 50 steps before."""

    def __init__(self) -> None:
        self.past = Series(MEDIAN_OF)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it once twenty steps are known."""
        kl = metric(facts, "kl")
        usual = self.past.median if len(self.past) >= ENOUGH else None
        self.past.add(kl)
        if kl is None or usual is None:
            return None
        times = kl / usual if usual > 0 else 1.0
        return Reading(times, f"{kl:.4f} a token, usually {usual:.4f}", kl > NOTICED)


class KlStuck(Remembers):
    """KL where the reward is flat: a policy that stays where its reference is does not learn."""

    def __init__(self) -> None:
        self.rewards = Series(2 * MEDIAN_OF)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Read it, where there is a reference."""
        self.rewards.add(reward(facts))
        kl = metric(facts, "kl")
        if kl is None:
            return None
        flat = self.rewards.is_flat(ENOUGH) or len(self.rewards) < 2 * ENOUGH
        return Reading(kl, f"{kl:.2g} a token, the reward is {'flat' if flat else 'rising'}", flat)


class EngineMismatch(Remembers):
    """How far vLLM's log-probabilities lie from the trainer's: the larger of two measures."""

    def observe(self, facts: StepFacts) -> Reading | None:
        """Read it, where vLLM draws the answers."""
        apart = metric(facts, "sampling/sampling_logp_difference/mean")
        ratio = metric(facts, "sampling/importance_sampling_ratio/mean")
        if apart is None and ratio is None:
            return None
        away = 0.0 if ratio is None else abs(ratio - 1)
        shown = "unknown" if ratio is None else f"{ratio:.3f}"
        detail = f"log-probabilities {apart or 0:.4f} apart, mean importance ratio {shown}"
        return Reading(max(away, apart or 0.0), detail)
