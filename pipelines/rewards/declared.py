"""What curricle.toml says of rewards, and the grading that it asks for."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.rewards.composition import ANSWER, Composition
from pipelines.rewards.grading import BY_KIND, Grading
from pipelines.rewards.own import SECONDS, installed_reward, installed_rewards, reward_in_file
from pipelines.rewards.registry import REWARDS, Judge
from pipelines.workspace import WrongUse


class DeclaredReward(BaseModel):
    """A table `[rewards.NAME]`: several rewards as one, or a reward of the user's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: dict[str, float] = Field(default={})
    """Rewards by name with their weights; `answer` is the reward of the answer's kind."""
    decides: str = ANSWER
    """The part that says what is correct."""
    file: Path | None = None
    """A Python file with a reward, relative to the workspace."""
    function: str = ""
    """The function in that file; by default the one that is decorated with `@reward`."""
    seconds: float = Field(default=SECONDS, gt=0, le=600)
    """Patience of the file's reward with one completion."""

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if bool(self.parts) == (self.file is not None):
            raise ValueError("give either `parts` or a `file`")
        if self.parts and self.decides not in self.parts:
            raise ValueError(f"`parts` has no {self.decides!r}, which decides what is correct")
        if not all(math.isfinite(weight) for weight in self.parts.values()):
            raise ValueError("weights are finite numbers")
        return self


STEP_GRPO = "step-grpo"
COMPOSITIONS: Mapping[str, DeclaredReward] = {
    # R1-VL (arXiv 2503.12937) gives validity the weight 1, so that a well-formed wrong answer earns
    # what a right one without form does; at a half, right is above wrong whatever the form.
    STEP_GRPO: DeclaredReward(parts={ANSWER: 1.0, "key_steps": 0.1, "step_format": 0.5}),
}
"""Compositions that come with Curricle, by name."""


def grading_of(name: str, declared: Mapping[str, DeclaredReward], root: Path) -> Grading:
    """Resolve the reward that settings choose: `answer` is the reward of each answer's kind.

    Raises WrongUse for a name that nobody knows, that is taken, or whose source is missing.
    """
    if name == ANSWER:
        return BY_KIND
    _refuse_taken(declared)
    declared = {**COMPOSITIONS, **declared}
    if name in declared and declared[name].parts:
        return Grading(_composition(name, declared, root))
    return Grading(_judge(name, declared, root))


def _composition(name: str, declared: Mapping[str, DeclaredReward], root: Path) -> Composition:
    said = declared[name]
    nested = [part for part in said.parts if part in declared and declared[part].parts]
    if nested:
        raise WrongUse(f"[rewards.{name}]: part {nested[0]!r} is itself a composition")
    own = {part: _judge(part, declared, root) for part in said.parts if part != ANSWER}
    return Composition(name, tuple(said.parts.items()), own, said.decides)


def _judge(name: str, declared: Mapping[str, DeclaredReward], root: Path) -> Judge:
    if name in REWARDS:
        return REWARDS[name]
    installed = installed_rewards()
    try:
        if name in declared and (file := declared[name].file) is not None:
            said = declared[name]
            return reward_in_file(name, root / file, said.function, said.seconds)
        if name in installed:
            return installed_reward(installed[name])
    except (OSError, LookupError, UnicodeDecodeError) as error:
        raise WrongUse(f"reward {name!r} cannot be read: {error}") from error
    known = ", ".join(sorted({ANSWER, *REWARDS, *declared, *installed}))
    raise WrongUse(f"there is no reward {name!r}; known: {known}")


def _refuse_taken(declared: Mapping[str, DeclaredReward]) -> None:
    for name in declared:
        if name in REWARDS or name in COMPOSITIONS or name == ANSWER:
            raise WrongUse(f"[rewards.{name}]: the name {name!r} is taken; choose another")
