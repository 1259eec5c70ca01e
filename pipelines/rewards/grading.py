"""Who grades: resolved once from the settings, and the same for scoring and training."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import get_args

from pipelines.record.sample import AnswerKind, Reference
from pipelines.rewards.composition import Composition
from pipelines.rewards.registry import REWARDS, Judge, reward_for
from pipelines.rewards.score import Score, unscored

KINDS: tuple[str, ...] = get_args(AnswerKind)
WORKERS = max(2, min(8, os.cpu_count() or 1))
"""Worker processes that one batch may keep busy."""
Pair = tuple[Reference, str]


@dataclass(frozen=True)
class Grading:
    """The reward of each kind of answer, or one that was chosen for all."""

    chosen: Judge | Composition | None = None

    def judge(self, kind: str) -> Judge:
        """Say who grades answers of a kind. Raises KeyError when nothing can check it."""
        if self.chosen is None:
            return reward_for(kind)
        return self.chosen.of_kind(kind) if isinstance(self.chosen, Composition) else self.chosen

    def reward_id(self, reference: Reference) -> str:
        """Who grades the answers to this. Raises KeyError when nothing can check its kind."""
        return self.judge(reference.answer.kind).reward_id

    def reward_ids(self, references: Iterable[Reference]) -> tuple[str, ...]:
        """Who grades the answers to all of these, each named once."""
        kinds = {reference.answer.kind for reference in references}
        return tuple(sorted({self.judge(kind).reward_id for kind in kinds}))

    def current_by_kind(self) -> dict[str, str]:
        """The `reward_id` of every kind of answer that can be checked."""
        return {kind: self.judge(kind).reward_id for kind in KINDS if self._checks(kind)}

    def grade(self, reference: Reference, completion: str) -> Score:
        """Grade a completion. Never raises."""
        try:
            judge = self.judge(reference.answer.kind)
        except KeyError as error:
            return unscored(str(error.args[0]))
        return judge.grade(reference, completion)

    def grade_all(self, pairs: Iterable[Pair]) -> list[Score]:
        """Grade completions, each against its own reference, in order.

        Where graders are processes of their own, several work at once.
        """
        pairs = list(pairs)
        waiting = [i for i, (reference, _) in enumerate(pairs) if self._waits(reference)]
        if len(waiting) < 2:
            return [self.grade(*pair) for pair in pairs]
        with ThreadPoolExecutor(min(WORKERS, len(waiting)), "grading") as pool:
            asked = {i: pool.submit(self.grade, *pairs[i]) for i in waiting}
            return [
                asked[i].result() if i in asked else self.grade(*pair)
                for i, pair in enumerate(pairs)
            ]

    def _checks(self, kind: str) -> bool:
        return kind in REWARDS or (
            self.chosen is not None and not isinstance(self.chosen, Composition)
        )

    def _waits(self, reference: Reference) -> bool:
        try:
            return self.judge(reference.answer.kind).waits
        except KeyError:
            return False


BY_KIND = Grading()
"""The default: each answer is graded by the reward of its kind."""


def grade(reference: Reference, completion: str) -> Score:
    """Grade a completion by the reward of its answer's kind. Never raises."""
    return BY_KIND.grade(reference, completion)


def grade_all(pairs: Iterable[Pair]) -> list[Score]:
    """Grade completions by the rewards of their answers' kinds, in order."""
    return BY_KIND.grade_all(pairs)
