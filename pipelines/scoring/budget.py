"""How much a job may spend: it stops between two units of work, and the same command goes on."""

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """What one call of a job may still ask for; None is without limit."""

    rollouts: int | None = None
    """Answers; a step that a search samples counts as one."""
    tokens: int | None = None
    """Tokens of completions. Their number is known only afterwards, so the last unit may exceed it."""

    def spend(self, rollouts: int, tokens: int) -> None:
        """Take off what a unit of work has cost."""
        if self.rollouts is not None:
            self.rollouts -= rollouts
        if self.tokens is not None:
            self.tokens -= tokens

    def allows(self, rollouts: int) -> bool:
        """Whether a unit of this many answers may still begin."""
        return self.exhausted_by(rollouts) == ""

    def exhausted_by(self, rollouts: int) -> str:
        """Name what a unit of this many answers would exceed: `rollouts`, `tokens` or nothing."""
        if self.rollouts is not None and rollouts > self.rollouts:
            return "rollouts"
        return "tokens" if self.tokens is not None and self.tokens <= 0 else ""
