"""Groups that teach nothing: all right, all wrong, or without a grade."""

from collections import Counter

from train.signals.memory import Pool, Remembers
from train.signals.reading import Reading
from train.step import Group, StepFacts

DEGREES = frozenset({"box", "boxes", "set", "transcript"})
"""Kinds of answers whose verifiers give partial credit: their groups teach where that differs."""
LEAST_GROUPS = 32
LEAST_ANSWERS = 64


class VanishingAdvantages(Remembers):
    """Share of the asked groups whose answers are all right or all wrong.

    What counts is what the verifier said, not the shaped reward: a term for length gives an
    all-wrong group a spread that teaches nothing about the question.
    """

    def __init__(self) -> None:
        self.pool = Pool(LEAST_GROUPS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 32 groups or more."""
        kinds = [kind for group in facts.groups if (kind := _kind(group))]
        sums = self.pool.add(len(kinds), Counter(kinds))
        if sums is None:
            return None
        n, right, wrong = self.pool.things, sums["right"], sums["wrong"]
        detail = f"of {n} groups {right:.0f} all right, {wrong:.0f} all wrong"
        return Reading((right + wrong) / n, detail)


class Ungraded(Remembers):
    """Share of the answers that could not be graded: they are left out of their groups."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_ANSWERS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 64 answers or more."""
        open_ = [a for a in facts.answers if a.score.correct is None]
        sums = self.pool.add(len(facts.answers), {"ungraded": len(open_)})
        if sums is None:
            return None
        why = f", such as: {open_[0].score.reason[:120]}" if open_ else ""
        detail = f"{sums['ungraded']:.0f} of {self.pool.things} answers{why}"
        return Reading(sums["ungraded"] / self.pool.things, detail)


def _kind(group: Group) -> str:
    """Say how a group that was asked came out; nothing where no answer was graded."""
    graded = [a for a in group.answers if a.score.correct is not None]
    if group.came == "replay" or not graded:
        return ""
    verdicts = {a.score.correct for a in graded}
    reference = graded[0].reference
    if reference is not None and reference.answer.kind in DEGREES:
        spread = len({a.score.value for a in graded}) > 1
    else:
        spread = len(verdicts) > 1
    if spread:
        return "mixed"
    return "right" if True in verdicts else "wrong"
