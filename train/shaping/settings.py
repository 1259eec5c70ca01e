"""What a person may say about what is added to the reward in training."""

from pydantic import BaseModel, ConfigDict


class ShapingSettings(BaseModel):
    """What is added to the verifier's reward; nothing unless it is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")
