"""The rewards of scoring, made safe for an optimiser.

TRL dies of a reward that raises, waits for ever on one that hangs, and trains on nothing, without
a word, when one is infinite. Here none can: what goes wrong is unscored (None), which TRL leaves
out of the group, and every value is finite and bounded.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from pipelines.record.sample import Answer
from pipelines.rewards import Score, grade
from pipelines.rewards.score import unscored

BOUND = 10.0
"""Largest reward, either way; a group's advantages are scaled to unit spread anyway."""
SECONDS = 30.0
"""Patience with one grade. Rewards have limits of their own, far below this."""

Pair = tuple[Answer, str]


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """One answer of a training batch with what the reward said of it."""

    text: str
    token_ids: Sequence[int]
    score: Score

    @property
    def reward(self) -> float | None:
        """What the trainer gets."""
        return None if self.score.correct is None else self.score.value


class TrainingReward:
    """A TRL reward function that grades as scoring does and remembers its last batch."""

    __name__ = "curricle"

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._batch: list[GradedAnswer] = []

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        answer: Sequence[str],
        **_columns: object,
    ) -> list[float | None]:
        """Grade a batch; one value per completion, None where it could not be graded."""
        texts = [_text(completion) for completion in completions]
        pairs = [(_answer(known), text) for known, text in zip(answer, texts, strict=True)]
        scores = grade_within(pairs, self.seconds)
        self._batch = [
            GradedAnswer(*one) for one in zip(texts, completion_ids, scores, strict=True)
        ]
        return [graded.reward for graded in self._batch]

    def take(self) -> list[GradedAnswer]:
        """Hand over the last batch, in its order."""
        batch, self._batch = self._batch, []
        return batch


def grade_within(pairs: Sequence[Pair], seconds: float) -> list[Score]:
    """Grade in order, in a thread that is left behind when one grade takes too long."""
    scores: list[Score] = []
    while len(scores) < len(pairs):
        done: SimpleQueue[Score] = SimpleQueue()
        # A daemon: a grader that never returns must not keep the process from ending.
        Thread(target=_grade_into, args=(pairs[len(scores) :], done), daemon=True).start()
        try:
            while len(scores) < len(pairs):
                scores.append(done.get(timeout=seconds))
        except Empty:
            scores.append(unscored(f"grading took over {seconds:g} s"))
    return scores


def bounded(score: Score) -> Score:
    """Keep a value that an optimiser can use; one that is not a number is unscored."""
    if not isinstance(score.value, (int, float)) or not math.isfinite(score.value):
        return unscored(f"the reward was {score.value!r}, not a finite number")
    return replace(score, value=max(-BOUND, min(BOUND, float(score.value))))


def _grade_into(pairs: Sequence[Pair], done: SimpleQueue[Score]) -> None:
    for answer, text in pairs:
        try:
            score = bounded(grade(answer, text))
        except Exception as error:  # a reward that misbehaves must not end the training
            score = unscored(f"grading failed: {type(error).__name__}: {error}"[:300])
        done.put(score)


def _text(completion: Any) -> str:
    """The words of a completion: TRL gives a list of one assistant message, or a text."""
    if isinstance(completion, str):
        return completion
    content = completion[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content or ())


@lru_cache(maxsize=65536)
def _answer(known: str) -> Answer:
    return Answer.from_json(json.loads(known))
