"""What a person may say about measuring a policy in the course of a run."""

from pydantic import BaseModel, ConfigDict


class EvaluationSettings(BaseModel):
    """On which sets a run is measured, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")
