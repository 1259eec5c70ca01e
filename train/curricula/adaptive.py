"""What all sources have in common that do more than follow the curated order.

A source says only how to choose rows of a lane, and what to learn from outcomes. Here is the rest:
turns of the lanes, draws by number, the rows that are under way, and the state. The loader looks
one batch ahead, so that more than one batch may be under way; outcomes are of the oldest.
Sizes: N rows, of which those that curation repeated as padding are never asked.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipelines.record.canonical import Json
from pipelines.workspace import WrongUse
from train.curricula.lanes import LaneTurns
from train.curricula.order import Batch, Outcome, Pool

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

AHEAD = 4
"""Batches that may be under way at once; older ones were never observed and are forgotten."""


class AdaptiveOrder(ABC):
    """A source of order over rows by lane; every choice is without repeats where rows suffice."""

    def __init__(self, pool: Pool, seed: int) -> None:
        lanes, padded = np.array(pool.lanes, np.int64), np.array(pool.padded, bool)
        self.pool = pool
        self.seed = seed
        self._lanes = lanes
        self.rows_of_lane: dict[int, Ints] = {
            int(lane): np.flatnonzero((lanes == lane) & ~padded)
            for lane in np.unique(lanes[~padded])
        }
        if not self.rows_of_lane:
            raise WrongUse("there is no row to train on: all of them are padding; curate again")
        self.batches = 0
        """Batches chosen so far."""
        self._draws = 0
        self._turns = LaneTurns({lane: len(rows) for lane, rows in self.rows_of_lane.items()})
        self._under_way: deque[list[int]] = deque(maxlen=AHEAD)

    def next_batch(self, count: int) -> Batch:
        """Choose rows of the lane whose turn it is; a lane of fewer is filled up with its own."""
        lane = self._turns.take()
        rows = self._choose(lane, min(count, len(self.rows_of_lane[lane])), frozenset())
        self.batches += 1
        self._under_way.append(rows)
        filling = [rows[i % len(rows)] for i in range(count - len(rows))]
        return Batch((*rows, *filling), len(filling))

    def more(self, count: int, lane: int) -> list[int]:
        """Choose further rows by the same rule, none of those under way; fewer when none is left."""
        if lane not in self.rows_of_lane:
            return []
        under_way = {row for rows in self._under_way for row in rows}
        taken = frozenset(row for row in under_way if self._lanes[row] == lane)
        count = min(count, len(self.rows_of_lane[lane]) - len(taken))
        rows = self._choose(lane, count, taken) if count > 0 else []
        if self._under_way:
            self._under_way[0].extend(rows)
        return rows

    def observe(self, outcomes: Sequence[Outcome]) -> None:
        """Learn from the oldest batch under way."""
        if self._under_way:
            self._under_way.popleft()
        self._learn(outcomes)

    def state_dict(self) -> dict[str, Json]:
        """Give what a checkpoint must keep."""
        return {
            "by": type(self).__name__,
            "rows": len(self.pool),
            "batches": self.batches,
            "draws": self._draws,
            "turns": self._turns.state_dict(),
            "under_way": [list(rows) for rows in self._under_way],
            "own": self._state(),
        }

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        """Go on from a checkpoint. Raises ValueError for the state of another order."""
        known = {"by": type(self).__name__, "rows": len(self.pool)}
        found = {name: state.get(name) for name in known}
        if found != known:
            raise ValueError(f"this is the state of another order: {found}, not {known}")
        self._turns.load_state_dict(section(state, "turns"))
        self._load(section(state, "own"))
        self.batches, self._draws = whole(state["batches"]), whole(state["draws"])
        self._under_way = deque((wholes(rows) for rows in items(state["under_way"])), maxlen=AHEAD)

    def draw(self) -> np.random.Generator:
        """Give the generator of the next draw: its seed and its number decide all of it."""
        self._draws += 1
        return np.random.default_rng([self.seed, self._draws])

    @abstractmethod
    def _choose(self, lane: int, count: int, taken: Collection[int]) -> list[int]:
        """Choose `count` rows of a lane, none twice and none that is taken; there are enough."""

    @abstractmethod
    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take in how a batch came out."""

    @abstractmethod
    def _state(self) -> dict[str, Json]:
        """Give what this source keeps beside the common things."""

    @abstractmethod
    def _load(self, state: Mapping[str, Json]) -> None:
        """Take that back."""


def above_guessing(rates: Floats, guess: Floats) -> Floats:
    """Pass rates with blind guessing at 0: (p - g) / (1 - g), not below 0."""
    above: Floats = np.clip((rates - guess) / np.maximum(1 - guess, 1e-9), 0, 1)
    return above


def known_rates(pool: Pool) -> tuple[Floats, NDArray[np.bool_]]:
    """Pass rates as the dataset froze, a half where nothing was known, and where it was."""
    known = np.array([rate is not None for rate in pool.pass_rates], bool)
    rates = np.array([0.5 if rate is None else rate for rate in pool.pass_rates], np.float64)
    return rates, known


# -- plain JSON and back: fractions are texts that read back exactly


def section(state: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """Give a table of a state. Raises ValueError when there is none."""
    found = state.get(name)
    if not isinstance(found, Mapping):
        raise ValueError(f"the state has no table {name!r}: it is that of another order")
    return found


def items(value: Json) -> Sequence[Json]:
    """Give a list of a state. Raises ValueError when it is none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"the state holds {value!r} where a list belongs: it is of another order")
    return value


def whole(value: Json) -> int:
    """Read a whole number."""
    return int(str(value))


def wholes(value: Json) -> list[int]:
    """Read whole numbers."""
    return [whole(item) for item in items(value)]


def fractions(value: Json) -> list[float]:
    """Read fractions."""
    return [float(str(item)) for item in items(value)]


def texts(values: Iterable[float]) -> list[Json]:
    """Write fractions so that they read back exactly."""
    return [repr(float(value)) for value in values]
