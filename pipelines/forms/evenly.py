"""Balance by construction: whatever was given least so far comes next."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T", bound=Hashable)


class Evenly:
    """Values given out evenly over a corpus and, within that, over each task."""

    def __init__(self) -> None:
        self._given: Counter[Hashable] = Counter()

    def note(self, corpus: str, task: str, value: Hashable, choices: int, count: int = 1) -> None:
        """Count a value that was given."""
        self._given[corpus, choices, value] += count
        self._given[corpus, task, choices, value] += count

    def next(self, corpus: str, task: str, values: Sequence[T], rng: np.random.Generator) -> T:
        """Give the value that the corpus has least of, then the task; drawn where several are."""
        n = len(values)
        counts = [
            (self._given[corpus, n, value], self._given[corpus, task, n, value]) for value in values
        ]
        least = [value for value, count in zip(values, counts, strict=True) if count == min(counts)]
        return least[int(rng.integers(len(least)))]
