"""What a person may say about the source of order."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class CurriculumSettings(BaseModel):
    """Which rows are asked next."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Literal["fixed"] = "fixed"
    """`fixed`: the curated order."""
