"""Several rewards as one: a weighted sum, right where the part that decides is right."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pipelines.record.canonical import content_hash
from pipelines.record.sample import Reference
from pipelines.rewards.registry import REWARDS, Judge, reward_for
from pipelines.rewards.score import Score, unscored

ANSWER = "answer"
"""The part that stands for the reward of the answer's kind."""


@dataclass(frozen=True)
class Composition:
    """Named parts with their weights, for answers of any kind."""

    name: str
    parts: tuple[tuple[str, float], ...]
    own: Mapping[str, Judge]
    """Judges by the name of a part; other names are registered rewards."""
    decides: str = ANSWER
    """The part whose verdict is the verdict of the whole."""

    def of_kind(self, kind: str) -> "Composed":
        """Fill in the reward of a kind. Raises KeyError when nothing can check it."""
        judges = tuple((part, self._judge(part, kind), weight) for part, weight in self.parts)
        return _composed(self.name, judges, self.decides)

    def _judge(self, part: str, kind: str) -> Judge:
        if part == ANSWER:
            return reward_for(kind)
        return self.own[part] if part in self.own else REWARDS[part]


@dataclass(frozen=True)
class Composed:
    """A composition for one kind of answer."""

    name: str
    parts: tuple[tuple[str, Judge, float], ...]
    decides: str

    @cached_property
    def reward_id(self) -> str:
        """Name, and hash over the identities of the parts and their weights."""
        parts = [[part, judge.reward_id, repr(float(weight))] for part, judge, weight in self.parts]
        return f"{self.name}@1-{content_hash([parts, self.decides])[:8]}"

    @property
    def waits(self) -> bool:
        """Whether a part asks another process."""
        return any(judge.waits for _, judge, _ in self.parts)

    def grade(self, reference: Reference, completion: str) -> Score:
        """Add the parts up; what a part that counts cannot grade is unscored. Never raises."""
        scores = {part: judge.grade(reference, completion) for part, judge, _ in self.parts}
        for part, _, weight in self.parts:
            if scores[part].correct is None and (weight or part == self.decides):
                return unscored(f"{part}: {scores[part].reason}")
        value = sum(weight * scores[part].value for part, _, weight in self.parts if weight)
        verdict = scores[self.decides]
        reason = "; ".join(f"{part}: {score.reason}" for part, score in scores.items())
        return Score(float(value), verdict.correct, reason, _components(scores))


@lru_cache(maxsize=1024)
def _composed(name: str, parts: tuple[tuple[str, Judge, float], ...], decides: str) -> Composed:
    return Composed(name, parts, decides)


def _components(scores: Mapping[str, Score]) -> dict[str, float]:
    """The value of each part, and what parts say of themselves as `part.name`."""
    graded = {part: score for part, score in scores.items() if score.correct is not None}
    inner = {
        f"{part}.{name}": value
        for part, score in graded.items()
        for name, value in score.components.items()
    }
    return {part: score.value for part, score in graded.items()} | inner
