"""What a person may say about the detectors that watch a run."""

from pydantic import BaseModel, ConfigDict


class SignalSettings(BaseModel):
    """Which failure signatures are looked for, and what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
