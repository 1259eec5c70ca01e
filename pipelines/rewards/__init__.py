"""Verifiable rewards: the same functions grade scoring before training and completions in it.

Importing the package registers one reward for each kind of answer that can be checked.
"""

from pipelines.rewards import (
    choice,
    latex,
    number,
    structured,
    text,
    transcript,
    yes_no,
)
from pipelines.rewards.registry import (
    REWARDS,
    Reward,
    grade,
    grade_all,
    reference_completion,
    reward,
    reward_for,
)
from pipelines.rewards.score import Score

__all__ = [
    "REWARDS",
    "Reward",
    "Score",
    "choice",
    "grade",
    "grade_all",
    "latex",
    "number",
    "reference_completion",
    "reward",
    "reward_for",
    "structured",
    "text",
    "transcript",
    "yes_no",
]
