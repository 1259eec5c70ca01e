"""The rewards by name, which of them grades which answer, and grading that never raises."""

import inspect
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Answer
from pipelines.rewards.final_answer import EXTRACTION_VERSION
from pipelines.rewards.score import Score, unscored

Grader = Callable[..., Score]
"""Takes an Answer and a completion; its keyword-only arguments are its parameters."""
G = TypeVar("G", bound=Grader)


@dataclass(frozen=True)
class Reward:
    """A grader with the name and version that its grades are kept under."""

    name: str
    version: int
    grader: Grader

    @cached_property
    def reward_id(self) -> str:
        """Identity of what it would say: name, version, and hash of parameters or source."""
        return f"{self.name}@{self.version}-{content_hash(self._decided_by())[:8]}"

    def grade(self, answer: Answer, completion: str) -> Score:
        """Grade a completion. Never raises: what goes wrong in a grader leaves it unscored."""
        try:
            score = self.grader(answer, completion)
            numbers = [score.value, *score.components.values()]
            if not all(math.isfinite(number) for number in numbers):
                return unscored(f"reward {self.name!r} gave {numbers}, which is not finite")
        except Exception as error:  # a user's grader, or a library under hostile input
            return unscored(f"reward {self.name!r} failed: {type(error).__name__}: {error}"[:300])
        return score

    def _decided_by(self) -> Json:
        if not self.grader.__module__.startswith("pipelines.rewards."):
            return Path(inspect.getfile(self.grader)).read_text(encoding="utf-8")
        arguments = inspect.signature(self.grader).parameters.values()
        parameters = {a.name: str(a.default) for a in arguments if a.kind is a.KEYWORD_ONLY}
        return {"extraction": EXTRACTION_VERSION, "parameters": parameters}


REWARDS: dict[str, Reward] = {}


def reward(name: str, *, version: int) -> Callable[[G], G]:
    """Register a grader; one named like a kind of answer grades the answers of that kind.

    Raises ValueError when the name is taken.
    """

    def register(grader: G) -> G:
        if name in REWARDS:
            raise ValueError(f"reward {name!r} is defined twice")
        REWARDS[name] = Reward(name, version, grader)
        return grader

    return register


def reward_for(answer: Answer) -> Reward:
    """Pick the reward of an answer's kind. Raises KeyError when nothing can check that kind."""
    if answer.kind not in REWARDS:
        raise KeyError(f"no reward checks an answer of kind {answer.kind!r}")
    return REWARDS[answer.kind]


def grade(answer: Answer, completion: str) -> Score:
    """Grade a completion by the reward of its answer's kind. Never raises."""
    if answer.kind not in REWARDS:
        return unscored(f"no reward checks an answer of kind {answer.kind!r}")
    return REWARDS[answer.kind].grade(answer, completion)


def grade_all(pairs: Iterable[tuple[Answer, str]]) -> list[Score]:
    """Grade completions, each against its own answer, in order."""
    return [grade(answer, completion) for answer, completion in pairs]


def reference_completion(answer: Answer) -> str:
    """Write the reference answer as a policy could: what every reward must find right."""
    value = answer.value
    return f"<answer>{value if isinstance(value, str) else json.dumps(value)}</answer>"
