"""The policy's entropy per token: it must neither collapse nor explode."""

from train.signals.memory import Remembers, Series, metric, reward
from train.signals.reading import Reading
from train.step import StepFacts

BACK = 100
"""Steps within which a fall is a collapse; slower ones are learning."""
START = 10
"""Steps whose mean is what a run began with."""


class EntropyCollapse(Remembers):
    """Entropy beside what it was up to 100 steps before."""

    def __init__(self) -> None:
        self.past = Series(BACK)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it from the eleventh step on."""
        entropy = metric(facts, "entropy")
        self.past.add(entropy)
        if entropy is None or len(self.past) <= START:
            return None
        before = self.past.oldest(START)
        share = entropy / before if before > 0 else 1.0
        return Reading(share, f"{entropy:.3f} nats a token, {before:.3f} up to {BACK} steps before")


class EntropyFloor(Remembers):
    """Entropy in nats; a policy that began low is judged by half of that."""

    def __init__(self) -> None:
        self.start = Series(START)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it from the eleventh step on."""
        entropy = metric(facts, "entropy")
        if entropy is None:
            return None
        if len(self.start) < START:
            self.start.add(entropy)
            return None
        began = self.start.newest(START)
        return Reading(entropy, f"began at {began:.3f} nats a token", entropy <= began / 2)


class EntropyExplosion(Remembers):
    """Entropy beside its beginning, where it rises and the reward does not."""

    def __init__(self) -> None:
        self.start = Series(START)
        self.past = Series(2 * START)
        self.rewards = Series(4 * START)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it once twenty steps are known."""
        entropy = metric(facts, "entropy")
        self.rewards.add(reward(facts))
        self.past.add(entropy)
        if entropy is None:
            return None
        if len(self.start) < START:
            self.start.add(entropy)
        rise = self.past.gain(START)
        if rise is None:
            return None
        began = self.start.newest(START)
        flat = self.rewards.is_flat(START)
        detail = (
            f"{entropy:.3f} nats a token, began at {began:.3f}, {rise:+.3f} over {START} steps; "
            f"the reward is {'flat' if flat else 'not flat'}"
        )
        return Reading(entropy / began if began > 0 else 1.0, detail, flat and rise > 0)
