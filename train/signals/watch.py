"""Watches a run: decides from the detectors' readings what is a failure, and what follows.

All thresholds, windows and episodes are here. A signature fires after a window of readings in a
row beyond its threshold, once; and again only after as many good ones. A step that says nothing
of it (a missing metric, or one that is not a number) neither adds to a window nor breaks it; that
it was so is told at once by `not_finite`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.catalog.catalog import now
from pipelines.record.canonical import Json
from train.signals.reading import Reading
from train.signals.settings import SignalSettings, SignatureSettings
from train.signals.signatures import SIGNATURES, Side, Signature, Switch
from train.step import StepFacts

Decision = Literal["warn", "stop", "switch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A failure signature that was found, and what follows."""

    step: int
    signature: str
    value: float
    threshold: float
    window_steps: int
    decision: Decision
    detail: str
    switch: Switch | None = None
    """What is turned on or off, where that is the decision."""

    def as_row(self, run_id: str) -> dict[str, object]:
        """Give its row in the table `signals`."""
        return {
            "run_id": run_id,
            "step": self.step,
            "signature": self.signature,
            "value": self.value,
            "threshold": self.threshold,
            "window_steps": self.window_steps,
            "decision": self.decision,
            "detail": self.detail + (f"; switched {self.switch}" if self.switch else ""),
            "created_at": now(),
        }


@dataclass(slots=True, kw_only=True)
class Level:
    """One threshold of a signature, and how many readings in a row were beyond it."""

    decision: Decision
    threshold: float
    window: int
    side: Side
    switch: Switch | None = None
    beyond: int = 0
    within: int = 0
    """Good readings in a row since it fired."""
    fired: bool = False
    """Whether an episode is under way."""

    def fires(self, reading: Reading) -> bool:
        """Take a reading in, and say whether an episode begins with it."""
        if self._is_beyond(reading):
            self.beyond, self.within = self.beyond + 1, 0
        else:
            self.beyond, self.within = 0, self.within + 1
        if self.fired:
            self.fired = self.within < self.window
            return False
        self.fired = self.beyond >= self.window
        return self.fired

    def _is_beyond(self, reading: Reading) -> bool:
        value, limit = reading.value, self.threshold
        return reading.counts and (value > limit if self.side == "above" else value < limit)

    def state(self) -> Json:
        """Give what a checkpoint must keep."""
        return [self.beyond, self.within, self.fired]

    def load(self, state: Any) -> None:
        """Go on from a checkpoint."""
        self.beyond, self.within, self.fired = state


class Watched:
    """One signature with its detector and its thresholds, from mild to severe."""

    def __init__(self, signature: Signature, settings: SignatureSettings) -> None:
        self.signature = signature
        self.detector = signature.detector()
        self.levels = levels_of(signature, settings)
        self.broken = False
        """Whether its detector failed; training goes on without it."""

    def observe(self, facts: StepFacts) -> Signal | None:
        """Look at a step; the most severe that begins is told, and nothing milder than known."""
        if self.broken:
            return None
        try:
            reading = self.detector.observe(facts)
        except Exception as error:  # a diagnosis must not end the run that it is about
            self.broken = True
            why = f"no longer looked for: its detector failed with {type(error).__name__}: {error}"
            return self._signal(facts.step, Reading(math.nan, why[:300]), self.levels[0], "warn")
        if reading is None or math.isnan(reading.value):
            return None
        known = max((i for i, level in enumerate(self.levels) if level.fired), default=-1)
        begun = [i for i, level in enumerate(self.levels) if level.fires(reading)]
        if not begun or begun[-1] < known:
            return None
        level = self.levels[begun[-1]]
        return self._signal(facts.step, reading, level, level.decision)

    def _signal(self, step: int, reading: Reading, level: Level, decision: Decision) -> Signal:
        return Signal(
            step=step,
            signature=self.signature.name,
            value=reading.value,
            threshold=level.threshold,
            window_steps=level.window,
            decision=decision,
            detail=reading.detail,
            switch=level.switch if decision == "switch" else None,
        )

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep."""
        return {
            "detector": self.detector.state_dict(),
            "levels": [level.state() for level in self.levels],
            "broken": self.broken,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.detector.load_state_dict(state["detector"])
        for level, known in zip(self.levels, state["levels"], strict=True):
            level.load(known)
        self.broken = state["broken"]


class Watch:
    """Watches a run for all signatures that its settings leave on."""

    def __init__(self, settings: SignalSettings, steps: int) -> None:
        self.steps = steps
        self._watched = {
            name: Watched(signature, settings.of(name))
            for name, signature in SIGNATURES.items()
            if settings.on and settings.of(name).on
        }

    def observe(self, facts: StepFacts) -> list[Signal]:
        """Look at the step that has just ended, and say what is wrong; mostly nothing."""
        found = (watched.observe(facts) for watched in self._watched.values())
        return [signal for signal in found if signal is not None]

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep, so that a resumed run's windows go on."""
        return {name: watched.state_dict() for name, watched in self._watched.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint; a signature that it does not know begins anew."""
        for name in self._watched.keys() & state.keys():
            self._watched[name].load_state_dict(state[name])


def levels_of(signature: Signature, said: SignatureSettings) -> list[Level]:
    """Join a signature's own thresholds with what a person said of them, from mild to severe."""
    stop_at, stop_window = signature.stop or (None, signature.window)
    stop_at = stop_at if said.stop_threshold is None else said.stop_threshold
    first = Level(
        decision=said.action or "warn",
        threshold=signature.threshold if said.threshold is None else said.threshold,
        window=said.window or signature.window,
        side=signature.side,
        switch=said.switch or signature.switch,
    )
    if stop_at is None:
        return [first]
    second = Level(
        decision="warn" if said.action == "warn" else "stop",
        threshold=stop_at,
        window=said.stop_window or stop_window,
        side=signature.side,
    )
    return [first, second]
