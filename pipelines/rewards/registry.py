"""The rewards by name, and which of them grades which kind of answer."""

import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from pipelines.record.canonical import Json, content_hash
from pipelines.record.sample import Answer, Reference
from pipelines.rewards.final_answer import EXTRACTION_VERSION
from pipelines.rewards.score import Score, unscored

Grader = Callable[..., Score]
"""Takes a Reference and a completion; its keyword-only arguments are its parameters."""
G = TypeVar("G", bound=Grader)


class Judge(Protocol):
    """What grades: a registered reward, one of the user's own, or a composition of several."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def reward_id(self) -> str:
        """Identity of what it would say."""

    @property
    def waits(self) -> bool:
        """Whether it asks another process, so that several may be asked at once."""

    def grade(self, reference: Reference, completion: str) -> Score:
        """Grade a completion. Never raises."""


@dataclass(frozen=True)
class Reward:
    """A grader with the name and version that its grades are kept under."""

    name: str
    version: int
    grader: Grader
    waits: bool = False

    @cached_property
    def reward_id(self) -> str:
        """Identity of what it would say: name, version, and hash of parameters or source."""
        return f"{self.name}@{self.version}-{content_hash(self._decided_by())[:8]}"

    def grade(self, reference: Reference, completion: str) -> Score:
        """Grade a completion. Never raises: what goes wrong in a grader leaves it unscored."""
        try:
            return sound(self.name, self.grader(reference, completion))
        except Exception as error:  # a user's grader, or a library under hostile input
            return unscored(f"reward {self.name!r} failed: {type(error).__name__}: {error}"[:300])

    def _decided_by(self) -> Json:
        if not self.grader.__module__.startswith("pipelines.rewards."):
            return Path(inspect.getfile(self.grader)).read_text(encoding="utf-8")
        arguments = inspect.signature(self.grader).parameters.values()
        parameters = {a.name: str(a.default) for a in arguments if a.kind is a.KEYWORD_ONLY}
        return {"extraction": EXTRACTION_VERSION, "parameters": parameters}


REWARDS: dict[str, Reward] = {}


def reward(name: str, *, version: int, waits: bool = False) -> Callable[[G], G]:
    """Register a grader; one named like a kind of answer grades the answers of that kind.

    Raises ValueError when the name is taken.
    """

    def register(grader: G) -> G:
        if name in REWARDS:
            raise ValueError(f"reward {name!r} is defined twice")
        REWARDS[name] = Reward(name, version, grader, waits)
        return grader

    return register


def reward_for(kind: str) -> Reward:
    """Pick the reward of a kind of answer. Raises KeyError when nothing can check that kind."""
    if kind not in REWARDS:
        raise KeyError(f"no reward checks an answer of kind {kind!r}")
    return REWARDS[kind]


def sound(name: str, score: Score) -> Score:
    """Give the score where all its numbers are finite, else say that it is none."""
    numbers = [score.value, *score.components.values()]
    if not all(math.isfinite(number) for number in numbers):
        return unscored(f"reward {name!r} gave {numbers}, which is not finite")
    return score


def reference_completion(answer: Answer) -> str:
    """Write the reference answer as a policy could: what every reward must find right."""
    value = _middle(answer.value) if answer.kind == "point" else answer.value
    return f"<answer>{value if isinstance(value, str) else json.dumps(value)}</answer>"


def _middle(value: Json) -> Json:
    """Point into a box; what is no box stays as it is."""
    try:
        x1, y1, x2, y2 = (float(str(edge)) for edge in value)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        return value
    return [str((x1 + x2) / 2), str((y1 + y2) / 2)]
