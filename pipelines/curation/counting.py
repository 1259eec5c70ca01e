"""What each rule of a plan dropped, and how to say it."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

REASONS = {
    "other_split": "in another split",
    "view": "augmented views, which the plan leaves out",
    "where": "outside `where`",
    "leak": "that repeat a benchmark",
    "duplicate": "that repeat another sample",
    "same_picture": "with a picture of a benchmark",
    "conflict": "with conflicting answers",
    "no_evidence": "without matching evidence",
    "few_tries": "with too few tries",
    "too_easy": "too easy",
    "too_hard": "too hard",
    "made_easy": "made easy by training",
    "not_aligned": "not learned as the whole was",
    "solvable_blind": "solvable without looking",
    "guessed": "right only while their options stand as they stood",
    "unsolved": "never solved",
    "unsolved_by_all": "never solved by any policy",
    "per_task": "beyond the quota of their task",
    "size": "beyond the size of the set",
}
"""Why a sample is dropped, in the order of the rules; each sample counts once, at the first."""

BEFORE_CANDIDATES = (
    *("other_split", "view", "where", "leak", "duplicate", "same_picture"),
    *("conflict", "no_evidence", "few_tries"),
)
"""The rules that hold for the control as well."""
NOT_ALWAYS = {"leak", "duplicate", "same_picture"}
"""Rules that plans had not always; what they do not drop is not told, so that old hashes hold."""


class Counts(BaseModel):
    """How many samples there were, and why those that did not stay were dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int
    candidates: int
    """Those that may be chosen and whose difficulty is known; the control is drawn from these."""
    kept: int
    dropped: dict[str, int]
    """Number dropped by reason (`REASONS`)."""

    def told(self, *, candidates: bool) -> str:
        """Name the rules that dropped something, before or after the candidates, in words."""
        names = [r for r in REASONS if (r not in BEFORE_CANDIDATES) is candidates]
        parts = [f"{self.dropped[r]} {REASONS[r]}" for r in names if self.dropped.get(r)]
        return ", ".join(parts) or "nothing was dropped"

    def lines(self) -> list[str]:
        """Say what each rule dropped, before and after the candidates."""
        return [
            f"{self.samples} samples, {self.candidates} candidates: {self.told(candidates=False)}",
            f"{self.kept} kept: {self.told(candidates=True)}",
        ]


def in_order(dropped: Mapping[str, int]) -> dict[str, int]:
    """Give a count for every reason, in the order of the rules."""
    told = [reason for reason in REASONS if dropped.get(reason) or reason not in NOT_ALWAYS]
    return {reason: dropped.get(reason, 0) for reason in told}
