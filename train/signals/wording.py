"""The words of answers: repeated phrases, and the words that a reward for thinking pays."""

import re

from train.signals.memory import Pool, Remembers, some_answers
from train.signals.reading import Reading
from train.step import StepFacts

LEAST_ANSWERS = 64
FEWEST_TRIGRAMS = 10
"""A shorter answer cannot repeat itself much."""
_WAIT = re.compile(r"\bwait\b", re.IGNORECASE)


class Repetition(Remembers):
    """Distinct-3: the share of an answer's word trigrams that differ, on average."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_ANSWERS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 64 answers that are long enough, or more."""
        read = some_answers(facts)
        shares = [share for a in read if (share := distinct_3(a.text)) is not None]
        sums = self.pool.add(len(shares), {"distinct": sum(shares)})
        if sums is None:
            return None
        mean = sums["distinct"] / self.pool.things
        return Reading(mean, f"distinct-3 is {mean:.2f} over {self.pool.things} answers")


class Waiting(Remembers):
    """How often answers say `wait`, on average."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_ANSWERS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 64 answers or more."""
        read = some_answers(facts)
        said = sum(len(_WAIT.findall(a.text)) for a in read)
        sums = self.pool.add(len(read), {"said": said})
        if sums is None:
            return None
        mean = sums["said"] / self.pool.things
        return Reading(mean, f"{mean:.1f} times in each of {self.pool.things} answers")


def distinct_3(text: str) -> float | None:
    """Share of different word trigrams; None where there are too few."""
    words = text.split()
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    if len(trigrams) < FEWEST_TRIGRAMS:
        return None
    return len(set(trigrams)) / len(trigrams)
