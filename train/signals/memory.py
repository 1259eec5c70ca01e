"""What detectors remember of past steps, in plain JSON: the last values, and pooled counts.

Floats are kept as `repr`, which reads back exactly.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from pipelines.record.canonical import Json
from train.step import Answered, StepFacts

FLAT = 0.01
"""A gain of accuracy or reward below this, over the steps looked at, is none."""

MOST_READ = 32
"""Answers of a step that are read word by word; pools hold several steps anyway."""


class Series:
    """The last values of one quantity, at most `length` of them."""

    def __init__(self, length: int) -> None:
        self.values: deque[float] = deque(maxlen=length)

    def add(self, value: float | None) -> None:
        """Remember a value; a missing one leaves no gap."""
        if value is not None:
            self.values.append(value)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def median(self) -> float:
        """Of all values."""
        return median(self.values)

    def oldest(self, count: int) -> float:
        """Mean of the `count` oldest values."""
        return fmean(list(self.values)[:count])

    def newest(self, count: int) -> float:
        """Mean of the `count` newest values."""
        return fmean(list(self.values)[-count:])

    def gain(self, block: int) -> float | None:
        """How far the newest `block` values lie above the oldest; None while they overlap."""
        if len(self) < 2 * block:
            return None
        return self.newest(block) - self.oldest(block)

    def is_flat(self, block: int) -> bool:
        """Whether it is known that nothing was gained."""
        gain = self.gain(block)
        return gain is not None and gain < FLAT

    def state(self) -> Json:
        """Give what a checkpoint must keep."""
        return [repr(value) for value in self.values]

    def load(self, state: Any) -> None:
        """Go on from a checkpoint."""
        self.values = deque(map(float, state), maxlen=self.values.maxlen)


class Pool:
    """Counts over the last steps: as few of them as hold `least` things, so that small batches
    are judged by as much as large ones."""

    def __init__(self, least: int) -> None:
        self.least = least
        self._steps: deque[tuple[int, dict[str, float]]] = deque()

    def add(self, things: int, counts: Mapping[str, float]) -> Counter[str] | None:
        """Count a step; the sums, or None where it adds nothing or there are too few things."""
        if not things:
            return None
        self._steps.append((things, dict(counts)))
        while self.things - self._steps[0][0] >= self.least:
            self._steps.popleft()
        return self._sums() if self.things >= self.least else None

    @property
    def things(self) -> int:
        """How many are counted now."""
        return sum(things for things, _ in self._steps)

    def _sums(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for _, counts in self._steps:
            sums.update(counts)  # floats add up as well
        return sums

    def state(self) -> Json:
        """Give what a checkpoint must keep."""
        return [
            [n, {name: repr(float(c)) for name, c in counts.items()}] for n, counts in self._steps
        ]

    def load(self, state: Any) -> None:
        """Go on from a checkpoint."""
        self._steps = deque((n, {k: float(c) for k, c in counts.items()}) for n, counts in state)


class Remembers:
    """A detector whose state is all its series and pools."""

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep."""
        return {name: memory.state() for name, memory in self._memories()}

    def load_state_dict(self, state: dict[str, Json]) -> None:
        """Go on from a checkpoint."""
        for name, memory in self._memories():
            memory.load(state[name])

    def _memories(self) -> Iterable[tuple[str, Series | Pool]]:
        return [(name, m) for name, m in vars(self).items() if isinstance(m, Series | Pool)]


def some_answers(facts: StepFacts) -> Sequence[Answered]:
    """Answers from all over the step, for what takes long to read."""
    answers = facts.answers
    return answers[:: -(-len(answers) // MOST_READ) or 1]


def accuracy(facts: StepFacts) -> float | None:
    """Share of right answers among the graded ones to the plain sample."""
    graded = [
        a.score.correct for a in facts.answers if a.view is None and a.score.correct is not None
    ]
    return fmean(graded) if graded else None


def reward(facts: StepFacts) -> float | None:
    """What the verifier gave on average; where no answer was drawn, what the trainer logged."""
    values = [a.score.value for a in facts.answers if a.score.correct is not None]
    return fmean(values) if values else metric(facts, "reward")


def metric(facts: StepFacts, name: str) -> float | None:
    """A logged metric; None where it is missing or not finite, which `not_finite` tells."""
    value = facts.metrics.get(name)
    return value if value is not None and abs(value) < float("inf") else None
