"""What happens between two updates: the step is written down, looked at, and sometimes measured."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipelines.workspace import Progress
from train.checkpoints import Mark, mark
from train.processes import Processes
from train.signals.watch import Signal, Watch
from train.stopping import Wish
from train.telemetry import Telemetry

Measure = Callable[[int], Mapping[str, float]]
"""Measures the policy after an update, where it is time: accuracy by set, else nothing."""


class Keeps(Protocol):
    """What has a state that a checkpoint must keep in a file of its own."""

    def save(self, path: Path) -> None:
        """Write it."""


class Watcher(TrainerCallback):
    """Tells telemetry of every step, watches for signals, and marks checkpoints as complete.

    Only the first process has `telemetry` and `watch`; what they decide is shared with all.
    """

    def __init__(
        self,
        *,
        processes: Processes,
        telemetry: Telemetry | None,
        watch: Watch | None,
        mark_of: Callable[[int], Mark],
        switch: Callable[[str], None],
        measure: Measure | None = None,
        keeps: Callable[[], Mapping[str, Keeps]] = dict,
        wish: Wish | None = None,
        progress: Progress,
    ) -> None:
        self.processes = processes
        self.telemetry = telemetry
        self.watch = watch
        self.mark_of = mark_of
        self.switch = switch
        self.measure = measure
        self.keeps = keeps
        self.wish = wish or Wish()
        self.progress = progress
        self.left_by = 0
        """The signal upon which the run was left before its end; 0 if it was not."""
        self.stopped: str | None = None
        """The signature that stopped the run, if one did."""

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Write the step down. The summary at the end of training is no step."""
        if not logs or "train_runtime" in logs:
            return
        for signal in self.processes.share(self._seen(state, logs)):
            if signal.decision == "switch" and signal.switch is not None:
                self.switch(signal.switch)
            if signal.decision == "stop":
                self.stopped = signal.signature
                control.should_training_stop = True
        self.progress("training steps", state.global_step, state.max_steps)

    def _seen(self, state: TrainerState, logs: Mapping[str, Any]) -> list[Signal]:
        """Look at the step and write it down, on the first process."""
        if self.telemetry is None:
            return []
        measured = self.measure(state.global_step) if self.measure is not None else {}
        facts = self.telemetry.facts(state.global_step, state.max_steps, logs)
        facts = replace(facts, accuracies=measured)
        signals = self.watch.observe(facts) if self.watch is not None else []
        run_id = self.telemetry.asked.run_id
        self.telemetry.step_done(facts, [signal.as_row(run_id) for signal in signals])
        return signals

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,
    ) -> None:
        """Mark the checkpoint that was just written to its end, once every process has done so."""
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        for name, kept in self.keeps().items():
            kept.save(folder / name)
        self.processes.wait()
        if self.processes.is_first:
            mark(folder, self.mark_of(state.global_step))
        self.processes.wait()

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Leave the last checkpoint out: the trained policy itself is written next.

        Where somebody wants the run to stop, it keeps this step and stops.
        """
        if state.global_step >= state.max_steps:
            control.should_save = False
        elif number := self.processes.share(self.wish.signal):
            self.left_by = number
            control.should_save = control.should_training_stop = True
