"""Verifiable rewards: the same functions grade scoring before training and completions in it.

Importing the package registers one reward for each kind of answer, and those for the form of it.
"""

from pipelines.rewards import (
    box,
    boxes,
    choice,
    form,
    key_steps,
    latex,
    number,
    point,
    sets,
    step_format,
    structured,
    text,
    transcript,
    yes_no,
)
from pipelines.rewards.grading import BY_KIND, Grading, grade, grade_all
from pipelines.rewards.registry import (
    REWARDS,
    Judge,
    Reward,
    reference_completion,
    reward,
    reward_for,
)
from pipelines.rewards.score import Score

__all__ = [
    "BY_KIND",
    "REWARDS",
    "Grading",
    "Judge",
    "Reward",
    "Score",
    "box",
    "boxes",
    "choice",
    "form",
    "grade",
    "grade_all",
    "key_steps",
    "latex",
    "number",
    "point",
    "reference_completion",
    "reward",
    "reward_for",
    "sets",
    "step_format",
    "structured",
    "text",
    "transcript",
    "yes_no",
]
