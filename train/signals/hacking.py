"""Rewards that are earned without what they stand for: gaps, holes, blindness, idle thoughts."""

import re
from statistics import fmean

from pipelines.rewards import BY_KIND
from pipelines.rewards.form import BOX
from pipelines.rewards.text import normal_text
from train.evaluation.settings import LOOKING
from train.signals.length import BLOCK, OVER, in_form
from train.signals.memory import Pool, Remembers, Series, accuracy, some_answers
from train.signals.reading import Reading
from train.signals.said import gold, picked, said
from train.step import Answered, StepFacts

LEAST_RIGHT = 200
"""Right answers in which half a percent of holes can be seen at all."""
LEAST_THOUGHTS = 64
LEARNED = 0.9
"""Accuracy from which none is left to gain, and that it is flat means nothing."""
SEES = 0.1
"""Held-out accuracy below which a policy does not answer well enough to tell whether it looks."""

SPOKEN = ("a question", "a list of options")
"""Signs by which `final_answer` finds none, and some kinds of answers are right all the same."""
_EMPTY = re.compile(r"\\boxed\s*\{\s*\}|<answer>\s*</answer>")


class RewardGap(Remembers):
    """Growth over 50 steps of the reward's lead over the strict verifier's accuracy.

    Only where another reward grades than that of the answer's kind, and the strict one is asked.
    """

    def __init__(self) -> None:
        self.gaps = Series(OVER)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it once fifty steps are known."""
        pairs = [(a.score.value, a.strict) for a in facts.answers if _by_proxy(a)]
        if not pairs:
            return None
        proxy, strict = fmean(value for value, _ in pairs), fmean(bool(s) for _, s in pairs)
        self.gaps.add(proxy - strict)
        if len(self.gaps) < OVER:
            return None
        gain = self.gaps.newest(BLOCK) - self.gaps.oldest(BLOCK)
        detail = f"reward {proxy:.3f}, strictly right {strict:.3f}; their gap {gain:+.3f}"
        return Reading(gain, f"{detail} over {OVER} steps")


class FormatOnly(Remembers):
    """Mean of the format reward, where accuracy is flat for a hundred steps and not learned."""

    def __init__(self) -> None:
        self.accuracies = Series(2 * OVER)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Read it, where a format reward is part of the grade."""
        self.accuracies.add(accuracy(facts))
        form = in_form(facts)
        if form is None or len(self.accuracies) < 2 * OVER:
            return None
        now, gain = self.accuracies.newest(2 * BLOCK), self.accuracies.gain(2 * BLOCK)
        detail = f"format {form:.3f}, accuracy {now:.3f}, {gain:+.3f} over {2 * OVER} steps"
        return Reading(form, detail, self.accuracies.is_flat(2 * BLOCK) and now < LEARNED)


class Blindness(Remembers):
    """How much accuracy the media bring: held-out accuracy minus that without them."""

    def observe(self, facts: StepFacts) -> Reading | None:
        """Read it at steps where both were measured."""
        seeing, blind = facts.accuracies.get(LOOKING), facts.accuracies.get("blind")
        if seeing is None or blind is None:
            return None
        detail = f"accuracy with media {seeing:.3f}, without {blind:.3f}"
        return Reading(seeing - blind, detail, seeing >= SEES)


class VerifierHole(Remembers):
    """Share of the right answers whose form raises doubts: the verifier may have been fooled."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_RIGHT)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 200 right answers or more."""
        right = [a for a in facts.answers if a.score.correct]
        holes = [(why, a) for a in right if (why := hole(a))]
        sums = self.pool.add(len(right), {"holes": len(holes)})
        if sums is None:
            return None
        shown = "".join(f"; {why}: {a.text[-80:]!r}" for why, a in holes[:1])
        detail = f"{sums['holes']:.0f} of {self.pool.things} right answers{shown}"
        return Reading(sums["holes"] / self.pool.things, detail)


class ThoughtMismatch(Remembers):
    """Share of the answers that differ from what their own thoughts concluded (CLS-RL)."""

    def __init__(self) -> None:
        self.pool = Pool(LEAST_THOUGHTS)

    def observe(self, facts: StepFacts) -> Reading | None:
        """Measure it over the last 64 answers whose thoughts conclude something, or more."""
        same = [agreed for a in some_answers(facts) if (agreed := _agrees(a)) is not None]
        sums = self.pool.add(len(same), {"apart": same.count(False)})
        if sums is None:
            return None
        detail = f"{sums['apart']:.0f} of {self.pool.things} answers differ from their thoughts"
        return Reading(sums["apart"] / self.pool.things, detail)


def hole(answered: Answered) -> str:
    """Say what is doubtful about a right answer; empty for nothing."""
    text = answered.text
    if (
        answered.strict
        and text.count(BOX) + text.count("<answer>") == 1
        and not _EMPTY.search(text)
    ):
        return ""  # most are, and to extract each answer once more takes long
    found = said(text)
    if found.found_by.startswith("several"):
        return "several boxes or tags"
    if not found.text:
        # A transcript may well be a question.
        return "" if found.found_by in SPOKEN else "no answer"
    if answered.strict or answered.reference is None:
        return ""
    wanted, given = gold(answered.reference.answer).casefold(), normal_text(found.text)
    if wanted not in given or wanted == given:
        return ""
    if answered.strict is False or not _stands_alone(wanted, given):
        return "the reference is a part of it"
    return ""


def _stands_alone(wanted: str, text: str) -> bool:
    """Whether it is a word or number of its own, as in `42 apples` and not in `142`."""
    return re.search(rf"(?<![\w.]){re.escape(wanted)}(?!\w|\.\d)", text) is not None


def _by_proxy(answered: Answered) -> bool:
    """Whether another reward graded than the strict one, which was asked too."""
    if answered.strict is None or answered.score.correct is None:
        return False
    reference = answered.reference
    return reference is None or answered.reward_id != BY_KIND.reward_id(reference)


def _agrees(answered: Answered) -> bool | None:
    """Whether an answer is what its thoughts conclude; None where they conclude nothing clear."""
    thoughts, closed, _ = answered.text.rpartition("</think>")
    if not closed or answered.reference is None:
        return None
    concluded = said(thoughts.rpartition("<think>")[2])
    final = said(answered.text)
    if not concluded.text or not final.text or concluded.found_by == "last_line":
        return None
    answer = answered.reference.answer
    return picked(answer, concluded.text) == picked(answer, final.text)
