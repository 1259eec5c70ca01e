"""What a signal may turn on or off in the course of a run, and what a checkpoint keeps of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.workspace import WrongUse
from train.config import TrainConfig
from train.refill import RefillSettings
from train.replay import ReplayBuffer, ReplaySettings
from train.trainer import CuratedTrainer
from train.watcher import Keeps


class Switches:
    """`refill` and `replay` turn dynamic sampling and replay on, `noisy` noisy rollouts off."""

    def __init__(self, trainer: CuratedTrainer, config: TrainConfig) -> None:
        self.trainer = trainer
        self.config = config
        self.thrown: list[str] = []
        self._rank = trainer.accelerator.process_index

    def throw(self, name: str) -> None:
        """Turn something on or off from the next step on."""
        methods = self.trainer.methods
        if name == "refill":
            methods = replace(methods, refill=methods.refill or RefillSettings())
        elif name == "replay":
            buffer = methods.replay or ReplayBuffer(ReplaySettings(), self.config.seed)
            methods = replace(methods, replay=buffer)
        elif name == "noisy":
            methods = replace(methods, noisy=None)
        else:
            raise WrongUse(f"unknown switch {name!r}; known are refill, replay, noisy")
        self.trainer.methods = methods
        if name not in self.thrown:
            self.thrown.append(name)

    def restore(self, thrown: Sequence[str], checkpoint: Path) -> None:
        """Throw again what a checkpoint says was thrown, and read what it kept."""
        for name in thrown:
            self.throw(name)
        buffer = self.trainer.methods.replay
        if buffer is None:
            return
        if not (checkpoint / self._file).is_file():
            raise WrongUse(
                f"{checkpoint} was saved by fewer processes, and each replays its own groups; go "
                "on with as many as the run began with"
            )
        buffer.load(checkpoint / self._file)

    @property
    def keeps(self) -> Mapping[str, Keeps]:
        """What is kept in files of its own, by name; read anew at each checkpoint."""
        buffer = self.trainer.methods.replay
        return {} if buffer is None else {self._file: buffer}

    @property
    def _file(self) -> str:
        # Each process keeps the groups that it drew.
        return f"replay-{self._rank}.parquet"
