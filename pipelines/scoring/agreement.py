"""How far two graders agree, and the signs that one of them can be fooled (METHODS: verifier hole)."""

import math
from collections import Counter
from dataclasses import dataclass, field

from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Answer
from pipelines.rewards.final_answer import final_answer

VERDICTS = {True: "right", False: "wrong", None: "unscored"}
Z = 1.959964
"""Standard deviations that a 95% interval reaches."""


@dataclass(slots=True)
class Agreement:
    """Counts of two graders' verdicts on the same answers."""

    counts: Counter[tuple[bool | None, bool | None]] = field(default_factory=Counter)

    def add(self, first: bool | None, second: bool | None) -> None:
        """Count one answer."""
        self.counts[first, second] += 1

    @property
    def both(self) -> int:
        """Answers that neither left unscored."""
        return sum(n for pair, n in self.counts.items() if None not in pair)

    @property
    def equal(self) -> int:
        """Answers that both call right or both call wrong."""
        return self.counts[True, True] + self.counts[False, False]

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: agreement beyond what their rates give by chance; None where that is all."""
        if not self.both:
            return None
        first = sum(self.counts[True, other] for other in (True, False)) / self.both
        second = sum(self.counts[other, True] for other in (True, False)) / self.both
        chance = first * second + (1 - first) * (1 - second)
        return None if chance == 1 else (self.equal / self.both - chance) / (1 - chance)

    def table(self) -> dict[str, dict[str, int]]:
        """Counts by the first grader's verdict, then the second's."""
        return {
            mine: {yours: self.counts[one, other] for other, yours in VERDICTS.items()}
            for one, mine in VERDICTS.items()
        }


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95% interval of a share; all of [0, 1] where nothing was counted."""
    if not n:
        return 0.0, 1.0
    share, spread = successes / n, Z * Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(slots=True)
class Holes:
    """What a grader calls right although its form should raise doubts."""

    right: int = 0
    empty: int = 0
    """No final answer can be found."""
    several_boxes: int = 0
    longer_than_gold: int = 0
    r"""The final answer holds the reference and more, such as `142` or `42 apples` for `42`."""

    def add(self, answer: Answer, completion: str) -> None:
        """Look at an answer that the grader called right."""
        said, gold = final_answer(completion).text.casefold(), _gold(answer).casefold()
        self.right += 1
        self.empty += not said
        self.several_boxes += completion.count("\\boxed") > 1
        self.longer_than_gold += gold in said and gold != said


def _gold(answer: Answer) -> str:
    if isinstance(answer.value, bool):
        return "yes" if answer.value else "no"
    return answer.value if isinstance(answer.value, str) else canonical_json(answer.value)
