"""Whose turn it is: a batch is of one lane, and lanes take turns in proportion to their rows.

The n-th turn of a lane with N rows has the place (n + 1/2) / N, and turns follow each other by
place: of two lanes, none is ever more than one turn from its share. Nothing is drawn by chance.
"""

from collections.abc import Mapping
from fractions import Fraction

from pipelines.record.canonical import Json


class LaneTurns:
    """Turns of the lanes, by how many rows each has."""

    def __init__(self, sizes: Mapping[int, int]) -> None:
        self.sizes = dict(sizes)
        self._turns = dict.fromkeys(sorted(sizes), 0)

    def take(self) -> int:
        """Give the lane whose turn it is, and count the turn."""
        lane = min(self._turns, key=lambda lane: (self._place(lane), lane))
        self._turns[lane] += 1
        return lane

    def state_dict(self) -> dict[str, Json]:
        """Give how many turns each lane has had."""
        return {str(lane): turns for lane, turns in self._turns.items()}

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        """Go on from these turns. Raises ValueError when they are of other lanes."""
        turns = {int(lane): int(str(count)) for lane, count in state.items()}
        if turns.keys() != self._turns.keys():
            raise ValueError(f"turns of lanes {sorted(turns)}, not of {sorted(self._turns)}")
        self._turns = {lane: turns[lane] for lane in self._turns}

    def _place(self, lane: int) -> Fraction:
        return Fraction(2 * self._turns[lane] + 1, 2 * self.sizes[lane])
