"""The order of training: positions one after another, pass after pass, groups kept whole.

The one subclass of TRL's `RepeatSampler`. TRL would shuffle, and would count what its loader
prefetched; this keeps the curated order and remembers what was *consumed*, so that a resumed
run asks the same questions as an uninterrupted one.
"""

from collections.abc import Iterator, Sized

from trl.trainer.utils import RepeatSampler


class CuratedSampler(RepeatSampler):
    """Give the indices of one pass, from the first batch that was not consumed.

    A *batch* is what is asked between two updates: `prompts` rows, each `group` times.
    """

    def __init__(self, rows: Sized, *, group: int, prompts: int, repeats: int = 1) -> None:
        super().__init__(rows, group, prompts, repeats, shuffle=False)
        self.consumed = 0
        """Batches whose answers were trained on, over all passes."""

    @property
    def batches(self) -> int:
        """Batches in one pass; rows that fill no batch were refused before training."""
        return int(self.num_samples // self.batch_size)

    def rows_of(self, batch: int) -> range:
        """The row indices of a batch, counted over all passes."""
        start = (batch % self.batches) * self.batch_size
        return range(start, start + self.batch_size)

    def __iter__(self) -> Iterator[int]:
        # The length of a pass stays the same wherever it begins: the trainer counts on it.
        for batch in range(self.consumed, self.consumed + self.batches):
            for _ in range(self.repeat_count):
                for row in self.rows_of(batch):
                    yield from [row] * self.mini_repeat_count

    def state_dict(self) -> dict[str, int]:
        """Give what a checkpoint must keep."""
        return {"consumed": self.consumed, "rows": self.num_samples, "prompts": self.batch_size}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a checkpoint. Raises ValueError when that was of another order."""
        mine = self.state_dict()
        if any(state[name] != mine[name] for name in ("rows", "prompts")):
            raise ValueError(f"the checkpoint's order {state} is not this one's, {mine}")
        self.consumed = state["consumed"]
