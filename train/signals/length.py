"""How long answers are: cut off, growing for nothing, wrong ones longer, or shrinking."""

from collections.abc import Sequence
from statistics import fmean

from train.signals.memory import Pool, Remembers, Series, accuracy, metric
from train.signals.reading import Reading
from train.step import Answered, Group, StepFacts

LEAST_ANSWERS = 64
LEAST_GROUPS = 16
OVER = 50
"""Steps over which a change of length is one."""
BLOCK = 10
"""Steps at either end that are averaged."""
FEW_TOKENS = 5
"""A difference in length that is none: answers of three and five tokens are equally long."""


class Truncation(Remembers):
    """Share of the answers that ran into the limit."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_ANSWERS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 64 answers or more; without answers, as TRL logged it."""
        answers = facts.answers
        if not answers:
            logged = metric(facts, "completions/clipped_ratio")
            return None if logged is None else Reading(logged, "as logged")
        cut = sum(a.finish_reason == "length" for a in answers)
        sums = self.pool.add(len(answers), {"cut": cut})
        if sums is None:
            return None
        n = self.pool.things
        return Reading(sums["cut"] / n, f"{sums['cut']:.0f} of {n} answers were cut")


class LengthChange(Remembers):
    """Growth of the mean length over 50 steps, where accuracy gains nothing meanwhile."""

    def __init__(self) -> None:
        self.lengths = Series(OVER)
        self.accuracies = Series(OVER)
        self.formats = Series(BLOCK)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it once fifty steps are known; cut answers have no length of their own."""
        ended = [a.completion_tokens for a in facts.answers if a.finish_reason != "length"]
        if not ended:
            return None
        self.lengths.add(fmean(ended))
        self.accuracies.add(accuracy(facts))
        self.formats.add(in_form(facts))
        if len(self.lengths) < OVER:
            return None
        before, now = self.lengths.oldest(BLOCK), self.lengths.newest(BLOCK)
        gain = self.accuracies.gain(BLOCK)
        shown = "unknown" if gain is None else f"{gain:+.3f}"
        detail = f"{before:.0f} -> {now:.0f} tokens over {OVER} steps, accuracy {shown}"
        change = now / before - 1 if before > 0 else 0.0
        counts = self.accuracies.is_flat(BLOCK) and abs(now - before) > FEW_TOKENS
        return Reading(change, detail, counts and self._formed(change))

    def _formed(self, change: float) -> bool:
        """Whether the form held: answers that lost it as they shrank are another failure."""
        return change > 0 or not len(self.formats) or self.formats.newest(BLOCK) > 0.9


class WrongLonger(Remembers):
    """Length of wrong answers beside right ones to the same questions."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_GROUPS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 16 groups that have both, or more: hard questions have longer
        answers, right or wrong."""
        both = [lengths for group in facts.groups if (lengths := _by_verdict(group))]
        sums = self.pool.add(
            len(both), {"right": sum(r for r, _ in both), "wrong": sum(w for _, w in both)}
        )
        if sums is None or not sums["right"]:
            return None
        right, wrong = sums["right"] / self.pool.things, sums["wrong"] / self.pool.things
        detail = f"wrong answers have {wrong:.0f} tokens, right ones {right:.0f}"
        return Reading(wrong / right, detail, wrong - right > FEW_TOKENS)


def in_form(facts: StepFacts) -> float | None:
    """Mean of the format reward, where one is part of the grade."""
    given = [a.score.components["format"] for a in facts.answers if "format" in a.score.components]
    return fmean(given) if given else None


def _by_verdict(group: Group) -> tuple[float, float] | None:
    """Mean lengths of a group's right and wrong answers; None where one kind is missing."""
    right = [a for a in group.answers if a.score.correct is True]
    wrong = [a for a in group.answers if a.score.correct is False]
    return (_mean_length(right), _mean_length(wrong)) if right and wrong else None


def _mean_length(answers: Sequence[Answered]) -> float:
    return fmean(a.completion_tokens for a in answers)
