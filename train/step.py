"""What is known of a training step when it ends: its answers and what the trainer logged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipelines.record.canonical import Json
from pipelines.record.sample import Reference
from pipelines.rewards import Score

Came: TypeAlias = Literal["planned", "refill", "replay"]
"""Why a group was in a step: the order chose it, it took the place of one without signal, or a
buffer gave it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer of a training batch, as the trainer saw it."""

    sample_id: str
    reward_id: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    score: Score
    """What the verifier said; `score.value` is what it gave before any shaping."""
    reward: float | None
    """What the trainer got, shaping included; None: left out of the group."""
    advantage: float
    view: Mapping[str, Json] | None = None
    """What the policy was shown, where it was not the plain sample (NoisyRollout)."""
    reference: Reference | None = None
    template_id: str = ""
    """How the question was put, where not as the run puts all."""
    strict: bool | None = None
    """Whether the strict verifier of the answer's kind calls it right, where that was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The answers to one prompt in one step."""

    row: int
    position: int
    sample_id: str
    came: Came
    entered: bool
    """Whether it was learned from; a group without signal may have been replaced or left out."""
    padded: bool = False
    answers: Sequence[Answered] = ()
    """Empty for a replayed group: its answers were told when they were drawn."""
    abs_advantage: float = 0.0
    """Mean of |advantage|."""
    age: int = 0
    """Steps since its answers were drawn; 0 for all but replayed groups."""

    @property
    def accuracy(self) -> float | None:
        """Share of right answers among the graded ones to the plain sample."""
        known = [a.score.correct for a in self.answers if a.view is None]
        graded = [correct for correct in known if correct is not None]
        return sum(graded) / len(graded) if graded else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One training step."""

    step: int
    """The first is 1."""
    steps: int
    """Of the run."""
    groups: Sequence[Group]
    """Of all processes: those that were asked, and those that were replayed."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """By TRL's names (`entropy`, `kl`, `grad_norm`, `completions/clipped_ratio`, ...). What is not
    a number stays so here."""
    accuracies: Mapping[str, float] = field(default_factory=dict)
    """By name of the set (`held-out`, `noisy`, `blind`, ...), at steps where it was measured."""

    @property
    def answers(self) -> list[Answered]:
        """All answers that were drawn in this step."""
        return [answer for group in self.groups for answer in group.answers]
