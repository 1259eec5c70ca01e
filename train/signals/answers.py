"""Answers that are given because they are usual: the same option, yes, or the same number."""

import math
from collections import Counter
from collections.abc import Mapping

from train.signals.memory import Pool, Remembers
from train.signals.reading import Reading
from train.signals.said import given, gold
from train.step import Group, StepFacts

LEAST_GROUPS = 64
CHANCE = 0.001
"""What the probability of a chi-square test must go below before a difference is one."""


class AnswerPrior(Remembers):
    """How much more often one answer is given than it is true, over all questions of some kinds.

    Each group counts once, however many answers it has: they are about one question.
    """

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds
        self.pool = Pool(LEAST_GROUPS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 64 groups of these kinds, or more."""
        told = [shares for group in facts.groups if (shares := self._shares(group))]
        sums: Counter[str] = Counter()
        for shares in told:
            sums.update(shares)  # floats add up as well
        pooled = self.pool.add(len(told), sums)
        return None if pooled is None else _reading(pooled, self.pool.things)

    def _shares(self, group: Group) -> dict[str, float]:
        """How often each answer was given (`<`) and is true (`>`), as shares of the group."""
        known = [(a, a.reference.answer) for a in group.answers if a.reference is not None]
        asked = [(a, answer) for a, answer in known if answer.kind in self.kinds]
        if not asked:
            return {}
        picks = Counter(pick for a, answer in asked if (pick := given(a, answer)))
        total = picks.total()
        if not total:
            return {}
        return {f"<{pick}": n / total for pick, n in picks.items()} | {f">{gold(asked[0][1])}": 1.0}


def _reading(pooled: Mapping[str, float], groups: int) -> Reading:
    said = {name[1:]: n / groups for name, n in pooled.items() if name[0] == "<"}
    true = {name[1:]: n / groups for name, n in pooled.items() if name[0] == ">"}
    modal = max(said, key=lambda pick: (said[pick] - true.get(pick, 0.0), pick))
    excess = said[modal] - true.get(modal, 0.0)
    chi_square, by_chance = _against(said[modal], true.get(modal, 0.0), groups)
    detail = (
        f"{modal[:40]!r} is given {said[modal]:.0%} of the time and true {true.get(modal, 0.0):.0%}"
        f" of it, over {groups} groups; chi-square {chi_square:.1f}, p = {by_chance:.1g}"
    )
    return Reading(excess, detail, by_chance < CHANCE)


def _against(said: float, true: float, groups: int) -> tuple[float, float]:
    """Chi-square of two shares of as many groups, and how probable it is that chance parts them.

    Which questions were asked is chance too, so the truth among them is no fixed number.
    """
    mean = (said + true) / 2
    chi_square = groups * (said - true) ** 2 / (2 * mean * (1 - mean)) if 0 < mean < 1 else 0.0
    # Of one degree of freedom: the square of a standard normal.
    return chi_square, math.erfc(math.sqrt(chi_square / 2))
