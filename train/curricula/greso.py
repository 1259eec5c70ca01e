"""The curated order without most of what taught nothing lately (GRESO, arXiv 2506.02177).

A row whose groups were all right, or all wrong, c times running is asked with max(p^c, floor); p
is one number for easy and one for hard rows, and follows how much of a batch each wastes. What is
skipped comes again in the next pass: about a fifth of such rows become useful again, so none is
ever dropped. Right and wrong are by accuracy: GRESO's bounds .98 and .11 are of one reward.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from pipelines.record.canonical import Json
from train.curricula.adaptive import AdaptiveOrder, Floats, Ints, section, whole, wholes
from train.curricula.order import Outcome, Pool
from train.curricula.settings import GresoSettings

MIXED, EASY, HARD = 0, 1, 2
"""What the last groups of a row were: of both kinds, all right, all wrong."""


class GresoOrder(AdaptiveOrder):
    """Rows one after another; whether one is skipped is drawn when the walk comes to it."""

    def __init__(self, pool: Pool, settings: GresoSettings, seed: int) -> None:
        super().__init__(pool, seed)
        self.settings = settings
        self.easy = self.hard = settings.exploration
        """p of each kind."""
        self._kinds = np.zeros(len(pool), np.int64)
        self._runs = np.zeros(len(pool), np.int64)
        """c: groups of one kind without a difference, the last ones running."""
        self._skips = np.zeros(len(pool), np.int64)
        """Passes in which a row was skipped, the last ones running."""
        self._places = dict.fromkeys(self.rows_of_lane, 0)
        self._walked = 0
        """Rows that the walk has come to, skipped ones included."""

    def chances(self, rows: Ints) -> Floats:
        """The probability that each row is asked when the walk comes to it."""
        base = np.array([1.0, self.easy, self.hard])[self._kinds[rows]]
        chances = np.maximum(base ** self._runs[rows], self.settings.floor)
        due = self._skips[rows] >= self.settings.revisit if self.settings.revisit else False
        found: Floats = np.where(due, 1.0, chances)
        return found

    def _choose(self, lane: int, count: int, taken: Collection[int]) -> list[int]:
        rows, start = self.rows_of_lane[lane], self._places[lane]
        asked: list[int] = []
        passed: list[int] = []
        walked = 0
        while len(asked) < count and walked < len(rows):
            size = min(max(64, 2 * count), len(rows) - walked)
            block = rows[(start + walked + np.arange(size)) % len(rows)]
            free = ~np.isin(block, list(taken)) if taken else np.ones(size, bool)
            drawn = self.draw().random(size) < self.chances(block)
            wanted = np.flatnonzero(free & drawn)[: count - len(asked)]
            asked += block[wanted].tolist()
            end = int(wanted[-1]) + 1 if len(asked) == count else size
            passed += block[:end][free[:end] & ~drawn[:end]].tolist()
            walked += end
        self._skips[passed] += 1
        # One whole round was not enough: what was skipped fills the batch, first come first.
        asked += passed[: count - len(asked)]
        self._skips[asked] = 0
        self._places[lane] = (start + walked) % len(rows)
        self._walked += walked
        return asked

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        graded = [(o.row, _kind(o.accuracy)) for o in outcomes if o.accuracy is not None]
        for row, kind in graded:
            again = kind == self._kinds[row]
            self._runs[row] = 0 if kind == MIXED else (self._runs[row] if again else 0) + 1
            self._kinds[row] = kind
        if graded and self._walked >= sum(map(len, self.rows_of_lane.values())):
            kinds = [kind for _, kind in graded]
            s, count = self.settings, len(kinds)
            self.easy = self._adapted(self.easy, kinds.count(EASY) / count, s.easy_share)
            self.hard = self._adapted(self.hard, kinds.count(HARD) / count, s.hard_share)

    def _adapted(self, chance: float, share: float, wanted: float) -> float:
        moved = chance + (-self.settings.step if share >= wanted else self.settings.step)
        return min(self.settings.most, max(self.settings.least, moved))

    def _state(self) -> dict[str, Json]:
        rows = np.flatnonzero((self._runs > 0) | (self._skips > 0))
        places: dict[str, Json] = {str(lane): place for lane, place in self._places.items()}
        return {
            "easy": repr(self.easy),
            "hard": repr(self.hard),
            "rows": rows.tolist(),
            "kinds": self._kinds[rows].tolist(),
            "runs": self._runs[rows].tolist(),
            "skips": self._skips[rows].tolist(),
            "places": places,
            "walked": self._walked,
        }

    def _load(self, state: Mapping[str, Json]) -> None:
        self.easy, self.hard = float(str(state["easy"])), float(str(state["hard"]))
        rows = wholes(state["rows"])
        for name, array in [("kinds", self._kinds), ("runs", self._runs), ("skips", self._skips)]:
            array[:] = 0
            array[rows] = wholes(state[name])
        places = section(state, "places")
        self._places = {lane: whole(places[str(lane)]) for lane in self._places}
        self._walked = whole(state["walked"])


def _kind(accuracy: float) -> int:
    return EASY if accuracy >= 1 else HARD if accuracy <= 0 else MIXED
