"""Rows in arms, such as levels or categories: an arm is drawn, and its next row is asked.

An arm's rows come in the curated order, round and round, so that none comes again before all others
of its arm and lane have come. Sizes: K arms.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from pipelines.record.canonical import Json
from train.curricula.adaptive import AdaptiveOrder, Floats, Ints, section, whole
from train.curricula.order import Pool


class Walk:
    """Rows one after another, round and round."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = tuple(rows)
        self.place = 0

    def take(self, count: int, taken: Collection[int]) -> list[int]:
        """Take the next rows, passing over those that are taken; at most one round."""
        found: list[int] = []
        for _ in range(len(self.rows)):
            if len(found) == count:
                break
            row = self.rows[self.place]
            self.place = (self.place + 1) % len(self.rows)
            if row not in taken:
                found.append(row)
        return found


class ArmsOrder(AdaptiveOrder):
    """How many rows of each arm a batch has is drawn; which ones, is the arm's next."""

    def __init__(self, pool: Pool, arms: Ints, seed: int) -> None:
        super().__init__(pool, seed)
        self.arms = arms
        """The arm of each row, from 0 to K - 1."""
        self.walks = {lane: _walks(rows, arms[rows]) for lane, rows in self.rows_of_lane.items()}

    @abstractmethod
    def probabilities(self) -> Floats:
        """Give the probability of each arm now, [K]; a lane draws among the arms that it has."""

    def _choose(self, lane: int, count: int, taken: Collection[int]) -> list[int]:
        walks = self.walks[lane]
        chances = self.probabilities()
        room = -np.bincount(self.arms[sorted(taken)], minlength=len(chances))
        for arm, walk in walks.items():
            room[arm] += len(walk.rows)
        wanted = _share_out(count, chances, room, self.draw())
        return [row for arm, walk in walks.items() for row in walk.take(int(wanted[arm]), taken)]

    def _state(self) -> dict[str, Json]:
        places: dict[str, Json] = {
            str(lane): {str(arm): walk.place for arm, walk in walks.items()}
            for lane, walks in self.walks.items()
        }
        return {"places": places}

    def _load(self, state: Mapping[str, Json]) -> None:
        places = section(state, "places")
        for lane, walks in self.walks.items():
            of_lane = section(places, str(lane))
            if of_lane.keys() != {str(arm) for arm in walks}:
                raise ValueError(f"the state is of arms {sorted(of_lane)}, not {sorted(walks)}")
            for arm, walk in walks.items():
                walk.place = whole(of_lane[str(arm)]) % len(walk.rows)


def _walks(rows: Ints, arms: Ints) -> dict[int, Walk]:
    return {int(arm): Walk(rows[arms == arm].tolist()) for arm in np.unique(arms)}


def _share_out(count: int, chances: Floats, room: Ints, rng: np.random.Generator) -> Ints:
    """Draw the arm of each of `count` rows; what an arm has no room for is drawn again."""
    wanted = np.zeros(len(chances), np.int64)
    while wanted.sum() < count:
        open_ = np.where(wanted < room, chances, 0.0)
        if open_.sum() <= 0:  # all that has a chance is full: the arm next to it
            free = np.flatnonzero(wanted < room)
            open_[free[np.argmin(np.abs(free - np.argmax(chances)))]] = 1.0
        drawn = rng.multinomial(count - wanted.sum(), open_ / open_.sum())
        wanted = np.minimum(wanted + drawn, room)
    return wanted
