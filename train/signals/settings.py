"""What a person may say about the detectors that watch a run."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from train.signals.signatures import SIGNATURES, Switch

Action = Literal["warn", "stop", "switch"]


class SignatureSettings(BaseModel):
    """What is other than usual about one signature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = True
    """Whether it is looked for."""
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    """Where it is a failure."""
    window: int | None = Field(default=None, ge=1)
    """Readings in a row beyond the threshold before it counts."""
    action: Action | None = None
    """What follows: `warn` only says so, `stop` ends the run, `switch` turns something on or off.
    Given, `warn` also keeps the signature's second threshold from stopping the run."""
    switch: Switch | None = None
    """What `action = "switch"` does: `refill` turns dynamic sampling on, `replay` turns replay
    on, `noisy` turns noisy rollouts off."""
    stop_threshold: float | None = Field(default=None, allow_inf_nan=False)
    """A second threshold, at which the run is stopped."""
    stop_window: int | None = Field(default=None, ge=1)
    """Readings in a row beyond that."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.switch is not None and self.action != "switch":
            raise ValueError('`switch` says what to turn; write `action = "switch"` beside it')
        if self.action == "warn" and self.stop_threshold is not None:
            raise ValueError(
                '`action = "warn"` never stops; leave it out where `stop_threshold` should'
            )
        return self


USUAL = SignatureSettings()


class SignalSettings(BaseModel):
    """Which failure signatures are looked for, and what follows: one table for each, by its name,
    such as `[train.signals.entropy_collapse]`."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, SignatureSettings] = Field(init=False)

    on: bool = True
    """Whether the run is watched."""

    def of(self, name: str) -> SignatureSettings:
        """What is said of a signature."""
        return (self.__pydantic_extra__ or {}).get(name, USUAL)

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        for name, said in (self.__pydantic_extra__ or {}).items():
            if name not in SIGNATURES:
                raise ValueError(f"no signature {name!r}; there are {', '.join(SIGNATURES)}")
            known = SIGNATURES[name]
            if said.action == "switch" and not (said.switch or known.switch):
                raise ValueError(f'{name}: say what to turn, such as `switch = "refill"`')
            if said.stop_window and said.stop_threshold is None and known.stop is None:
                raise ValueError(f"{name}: `stop_window` needs a `stop_threshold` beside it")
        return self
