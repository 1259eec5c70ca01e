"""Wrong answers that look right: answers to other questions of the same task, else of the corpus.

Numbers come from one bin of magnitudes, whose edges are drawn without a look at the right one, and
every answer is drawn as often as it is one. So the right one and the wrong ones might change places:
neither being the smallest, nor the middle, nor the most frequent says anything.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.forms.shapes import Shaped, contains

TRIED_AT_MOST = 24
"""Candidates that are looked at."""
SPANS = (4, 10, 100)
"""Widths of a bin of magnitudes, as a factor; the next is for where a bin has too few."""

Refuted = Callable[[str], bool]
"""Whether an option in words is surely no right answer to the question."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Group:
    """Answers of one shape, in a fixed order."""

    ones: tuple[Shaped, ...]
    counts: NDArray[np.float64]
    """How often each is the answer, [N]."""
    sizes: NDArray[np.float64]
    """Of numbers, [N]; nan for others."""

    def drawn(self, rng: np.random.Generator, those: Mask) -> list[Shaped]:
        """Put some of those in a random order, frequent answers first more often."""
        places = np.flatnonzero(those)
        if not len(places):
            return []
        weights = self.counts[places]
        count = min(len(places), TRIED_AT_MOST)
        return [self.ones[i] for i in rng.choice(places, count, False, weights / weights.sum())]


class Pool:
    """The answers of a corpus, by task and shape."""

    def __init__(self, answers: Iterable[tuple[str, Shaped, int]]) -> None:
        """Take answers as (task, shape, how many samples have it)."""
        counted: defaultdict[tuple[object, ...], Counter[Shaped]] = defaultdict(Counter)
        for task, one, count in answers:
            for shape in {one.tight, one.loose}:
                for where in {task, ""}:
                    counted[where, shape][one] += count
        self._groups = {key: _group(counts) for key, counts in counted.items()}

    def draw(
        self,
        rng: np.random.Generator,
        task: str,
        right: Shaped,
        refuted: Refuted,
        *,
        wanted: int,
        fewest: int,
    ) -> list[str]:
        """Draw wrong answers: as many as wanted, or at least the fewest, or none at all."""
        best: list[str] = []
        phase = rng.random()
        for group in self._alike(task, right):
            for those in _bins(group, right, phase):
                drawn = group.drawn(rng, those)
                found = _distinct((one for one in drawn if _differs(one, right)), refuted, wanted)
                if len(found) == wanted:
                    return found
                best = max(best, found, key=len)
        return best if len(best) >= fewest else []

    def _alike(self, task: str, right: Shaped) -> Iterator[Group]:
        """Give the groups of answers that an answer could be one of, the most alike first."""
        for shape in dict.fromkeys((right.tight, right.loose)):
            for where in dict.fromkeys((task, "")):
                if group := self._groups.get((where, shape)):
                    yield group


def _group(counts: Counter[Shaped]) -> Group:
    ones = sorted(counts, key=lambda one: one.words)
    sizes = [np.nan if one.size is None else float(one.size) for one in ones]
    return Group(tuple(ones), np.array([counts[one] for one in ones], float), np.array(sizes))


def _bins(group: Group, right: Shaped, phase: float) -> Iterator[Mask]:
    """Find the answers of the same magnitude, in ever wider bins; of texts, all."""
    if right.size is None:
        yield np.ones(len(group.ones), dtype=bool)
        return
    heights = np.log(np.abs(group.sizes) + right.grain)
    height = np.log(abs(float(right.size)) + right.grain)
    for span in SPANS:
        width = np.log(span)
        same: Mask = np.floor(heights / width + phase) == np.floor(height / width + phase)
        yield same


def _differs(one: Shaped, right: Shaped) -> bool:
    return one.same != right.same and not contains(one, right)


def _distinct(others: Iterable[Shaped], refuted: Refuted, wanted: int) -> list[str]:
    """Take those that are surely wrong, each thing once."""
    taken: dict[object, str] = {}
    for one in others:
        if len(taken) == wanted:
            break
        if one.same not in taken and refuted(one.words):
            taken[one.same] = one.words
    return list(taken.values())
