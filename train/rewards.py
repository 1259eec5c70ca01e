"""The rewards of scoring, in the shape that an optimiser can take.

TRL dies of a reward that raises, waits for ever on one that hangs, and trains on nothing, without
a word, when one is infinite. Grading (`pipelines.rewards`) never does the first two; here what
is unscored becomes None, which TRL leaves out of the group, and every value is bounded.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pipelines.record.sample import Reference
from pipelines.rewards import BY_KIND, Grading, Score
from pipelines.rewards.grading import Pair
from pipelines.rewards.score import unscored
from train.shaping.shaper import Shaper

BOUND = 10.0
"""Largest reward, either way; a group's advantages are scaled to unit spread anyway."""


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """One answer of a training batch with what the reward said of it."""

    text: str
    token_ids: Sequence[int]
    score: Score
    reward: float | None
    """What the trainer gets; None where the answer could not be graded."""
    strict: bool | None
    """Whether the verifier of the answer's own kind calls it right, where it was asked."""


class TrainingReward:
    """A TRL reward function that grades as scoring does and remembers its last batch."""

    __name__ = "curricle"

    def __init__(self, grading: Grading = BY_KIND, *, strict: bool = False) -> None:
        self.grading = grading
        self.shaper: Shaper | None = None
        """Adds to the rewards of whole groups what the run's settings name."""
        self.metrics: Mapping[str, float] = {}
        """What shaping did to the last batch."""
        self.strict = strict
        """Whether the verifier of each answer's kind is asked too, where another one grades."""
        self.progress = 0.0
        """The share of the run that is behind the step under way; the trainer keeps it."""
        self._batch: list[GradedAnswer] = []

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]],
        reference: Sequence[str],
        row: Sequence[int] = (),
        **_columns: object,
    ) -> list[float | None]:
        """Grade a batch; one value per completion, None where it could not be graded."""
        texts = [_text(completion) for completion in completions]
        pairs = [(_reference(known), text) for known, text in zip(reference, texts, strict=True)]
        scores = [bounded(score) for score in self.grading.grade_all(pairs)]
        rewards = [None if score.correct is None else score.value for score in scores]
        strict = self._strict(pairs, scores)
        if self.shaper is not None:
            shaped = self.shaper(scores, rows=row, token_ids=completion_ids, progress=self.progress)
            rewards, self.metrics = list(shaped.rewards), shaped.metrics
            scores = [
                replace(score, components={**score.components, **added})
                for score, added in zip(scores, shaped.components, strict=True)
            ]
        self._batch = [
            GradedAnswer(*one)
            for one in zip(texts, completion_ids, scores, rewards, strict, strict=True)
        ]
        return rewards

    def _strict(self, pairs: Sequence[Pair], scores: Sequence[Score]) -> list[bool | None]:
        if self.grading.chosen is None:
            return [score.correct for score in scores]
        if not self.strict:
            return [None] * len(pairs)
        return [score.correct for score in BY_KIND.grade_all(pairs)]

    def take(self) -> list[GradedAnswer]:
        """Hand over the last batch, in its order."""
        batch, self._batch = self._batch, []
        return batch


def bounded(score: Score) -> Score:
    """Keep a value that an optimiser can use; one that is not a number is unscored."""
    if not isinstance(score.value, (int, float)) or not math.isfinite(score.value):
        return unscored(f"the reward was {score.value!r}, not a finite number")
    return replace(score, value=max(-BOUND, min(BOUND, float(score.value))))


def _text(completion: Any) -> str:
    """The words of a completion: TRL gives a list of one assistant message, or a text."""
    if isinstance(completion, str):
        return completion
    content = completion[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content or ())


@lru_cache(maxsize=65536)
def _reference(known: str) -> Reference:
    return Reference.from_json(json.loads(known))
