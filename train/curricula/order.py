"""What a source of order is: it chooses the rows of the next batch, and hears how they went.

Every order is a pure function of its state, what it observes and its seed: it draws from
`numpy.random.default_rng([seed, number of the draw])` and never from a generator that lives on,
so that a state of plain JSON is all that a resumed run needs. Sizes: N rows, L lanes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipelines.record.canonical import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What an order may know of the N rows that it chooses from; a row is its index."""

    sample_ids: tuple[str, ...]
    positions: tuple[int, ...]
    """Places in the curated order, rising."""
    stages: tuple[int, ...]
    lanes: tuple[int, ...]
    """Rows of one batch are of one lane: with media (0), or without (1)."""
    padded: tuple[bool, ...]
    """Rows that curation repeated to fill a batch."""
    pass_rates: tuple[float | None, ...]
    """As they were when the dataset froze; None where nothing was known."""
    guess_rates: tuple[float, ...]
    categories: tuple[str, ...]
    """The task of each row."""

    def __len__(self) -> int:
        return len(self.sample_ids)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are asked together: all of one lane, and one stage where the order has stages."""

    rows: tuple[int, ...]
    padded: int = 0
    """How many at the end only fill the batch up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one group of answers to a row came out, over all processes."""

    row: int
    accuracy: float | None
    """Share of right answers among the graded ones, clean views only; None: none was graded."""
    abs_advantage: float
    """Mean of |advantage| over the group; 0 where all rewards were equal."""


class Order(Protocol):
    """A source of order with a state that can be saved."""

    def next_batch(self, count: int) -> Batch:
        """Choose exactly `count` rows of one lane; short ones are filled up, and say so."""

    def more(self, count: int, lane: int) -> list[int]:
        """Choose up to `count` further rows of a lane for the batch under way, never padding."""

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Take in how the groups of one batch came out, in the order of the batch."""

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep; floats as `repr`, which reads back exactly."""

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        """Go on from a checkpoint. Raises ValueError for the state of another order."""
