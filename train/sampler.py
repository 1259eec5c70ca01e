"""The order of training, batch by batch, groups kept whole.

The one subclass of TRL's `RepeatSampler`. TRL would shuffle, and would count what its loader
prefetched; this asks a source of order for each batch and remembers what was *consumed*, and what
was chosen ahead of that, so that a resumed run asks the same questions as an uninterrupted one.
Every process of a run holds the same sampler and takes its own slice of each batch.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Any

from trl.trainer.utils import RepeatSampler

from pipelines.record.canonical import Json
from train.curricula.order import Batch, Order, Outcome


class CuratedSampler(RepeatSampler):
    """Give the row indices of a whole run, from the first batch that was not consumed.

    A *batch* is what is asked between two updates: `prompts` rows, each `group` times, and all of
    that `repeats` times, as often as TRL looks at one generation.
    """

    def __init__(
        self, rows: Sized, order: Order, *, group: int, prompts: int, batches: int, repeats: int = 1
    ) -> None:
        super().__init__(rows, group, prompts, repeats, shuffle=False)
        self.order = order
        self.batches = batches
        """Batches of the run."""
        self.consumed = 0
        """Batches whose answers were trained on."""
        self._ahead: deque[Batch] = deque()
        """Chosen and not yet consumed: the loader looks one batch ahead."""

    def __len__(self) -> int:
        # Of the whole run, wherever it begins: the trainer reads it as the length of an epoch.
        return int(self.batches * self.batch_size * self.mini_repeat_count * self.repeat_count)

    def __iter__(self) -> Iterator[int]:
        for number in range(self.consumed, self.batches):
            batch = self._batch(number)
            for _ in range(self.repeat_count):
                for row in batch.rows:
                    yield from [row] * self.mini_repeat_count

    def consume(self, rows: Sequence[int], *, first: int = 0) -> Batch:
        """Say that the answers to the next batch are there, and give it.

        `rows` are those that this process was handed, from the place `first` of the batch. Raises
        RuntimeError when they are others than were chosen: the order would silently be lost.
        """
        batch = self._ahead[0] if self._ahead else Batch(())
        if tuple(rows) != batch.rows[first : first + len(rows)]:
            raise RuntimeError(
                f"the trainer asked rows {list(rows)} in batch {self.consumed}, where the order "
                f"chose {list(batch.rows)}: something else has shuffled them"
            )
        self._ahead.popleft()
        self.consumed += 1
        return batch

    def more(self, count: int, lane: int) -> list[int]:
        """Choose up to `count` further rows for the batch under way."""
        return self.order.more(count, lane)

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Tell the order how the groups of a batch came out: the same on every process."""
        self.order.observe(outcomes)

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep."""
        ahead: list[Json] = [
            {"rows": list(batch.rows), "padded": batch.padded} for batch in self._ahead
        ]
        return self._shape() | {
            "consumed": self.consumed,
            "ahead": ahead,
            "order": self.order.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint. Raises ValueError when that was of another order."""
        known = {name: state.get(name) for name in self._shape()}
        if known != self._shape():
            raise ValueError(f"the checkpoint's order {known} is not this one's, {self._shape()}")
        self.consumed = int(state["consumed"])
        self._ahead = deque(Batch(tuple(b["rows"]), b["padded"]) for b in state["ahead"])
        self.order.load_state_dict(state["order"])

    def _batch(self, number: int) -> Batch:
        place = number - self.consumed
        if place == len(self._ahead):
            self._ahead.append(self.order.next_batch(self.batch_size))
        return self._ahead[place]

    def _shape(self) -> dict[str, Json]:
        return {
            "rows": self.num_samples,
            "prompts": self.batch_size,
            "kind": type(self.order).__name__,
        }
