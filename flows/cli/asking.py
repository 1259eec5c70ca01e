"""What the commands that ask a policy share: who is asked, how, and how much that may cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.cli.common import settings_given

if TYPE_CHECKING:
    from flows.settings import BudgetSettings, PolicySettings, Settings


@Parameter(name="*")
@dataclass(frozen=True)
class Asking:
    """Options of every command that asks; what curricle.toml says holds where one is not given."""

    policy: str | None = None
    """`tiny`, a checkpoint folder, a hub id, or the address of a server (`http://…/v1`)."""
    model: str | None = None
    """Model to ask of a server that has several."""
    template: str | None = None
    """Prompt template by name."""
    max_tokens: int | None = None
    """Longest answer, in tokens."""
    temperature: float | None = None
    """Sampling temperature."""
    top_p: float | None = None
    """Share of the probability mass that is sampled from."""
    seed: int | None = None
    """Root of every random draw."""
    budget_rollouts: int | None = None
    """Most answers to ask for now."""
    budget_tokens: int | None = None
    """Most tokens of answers to ask for now; the unit of work that reaches it is finished."""
    dry_run: Annotated[bool, Parameter(negative="")] = False
    """Say what it would cost, and ask nothing."""

    def who(self, settings: "Settings") -> "PolicySettings":
        """Whom to ask, and how."""
        return settings_given(
            settings.policy,
            source=self.policy,
            model=self.model,
            template=self.template,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
        )

    def budget(self, settings: "Settings") -> "BudgetSettings":
        """What this call may cost."""
        return settings_given(
            settings.budget, rollouts=self.budget_rollouts, tokens=self.budget_tokens
        )

    def root(self, settings: "Settings") -> int:
        """Root of the random draws."""
        return settings.seed if self.seed is None else self.seed


PLAINLY = Asking()
