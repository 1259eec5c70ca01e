"""Stage after stage (Curr-ReFT, arXiv 2503.07065), each as often as it is said, or until mastered.

Stages are never mixed and never come back: what is left of a run after the last stage goes through
the last stage again.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.record.canonical import Json
from train.curricula.adaptive import section, whole
from train.curricula.fixed import FixedOrder
from train.curricula.order import Outcome, Pool
from train.curricula.settings import StagesSettings


class StagesOrder(FixedOrder):
    """The curated order within each stage; accuracy may end a stage before its passes are over."""

    def __init__(self, pool: Pool, settings: StagesSettings) -> None:
        super().__init__(pool, settings.passes)
        self.settings = settings
        self._numbers = sorted(set(pool.stages))
        self._stage_of = pool.stages
        self._accuracy: float | None = None
        """Running accuracy of the stage; none before its first batch."""
        self._batches = 0
        """Batches of the stage that were observed."""

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Keep the stage's running accuracy, and move on where that is high enough."""
        super().observe(outcomes)
        stage = self._numbers[self._stage]
        # The loader looks ahead: answers may still be of the stage before.
        graded = [o.accuracy for o in outcomes if self._stage_of[o.row] == stage]
        known = [accuracy for accuracy in graded if accuracy is not None]
        if not known:
            return
        keep, mean = self.settings.smoothing, float(np.mean(known))
        before = mean if self._accuracy is None else self._accuracy
        self._accuracy, self._batches = keep * before + (1 - keep) * mean, self._batches + 1
        if self._mastered(self._accuracy):
            self._enter(self._stage + 1)

    def state_dict(self) -> dict[str, Json]:
        """Give where each lane of the stage stands, and how well the stage goes."""
        accuracy = None if self._accuracy is None else repr(self._accuracy)
        return {
            "order": super().state_dict(),
            "accuracy": accuracy,
            "batches": self._batches,
        }

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        """Go on where a checkpoint stood. Raises ValueError for the state of another order."""
        super().load_state_dict(section(state, "order"))
        accuracy = state["accuracy"]
        self._accuracy = None if accuracy is None else float(str(accuracy))
        self._batches = whole(state["batches"])

    def _mastered(self, accuracy: float) -> bool:
        bound, last = self.settings.move_on_at, len(self.lanes_of_stage) - 1
        enough = self._batches >= self.settings.least_batches
        return bound is not None and enough and accuracy >= bound and self._stage < last

    def _enter(self, stage: int) -> None:
        self._stage, self._pass = stage, 0
        self._taken = self._none_taken()
        self._accuracy, self._batches = None, 0

    def _advance(self) -> None:
        if any(self._left(lane) for lane in self._taken):
            return
        self._pass += 1
        if self._pass < self.passes[min(self._stage, len(self.passes) - 1)]:
            self._taken = self._none_taken()
        elif self._stage + 1 < len(self.lanes_of_stage):
            self._enter(self._stage + 1)
        else:
            self._taken = self._none_taken()
