"""Rows near a difficulty that follows the policy's success (AdaRFT, arXiv 2504.05520).

T <- clip(T + eta tanh(alpha (R - beta)), 0, 100), difficulty = 100 (1 - pass rate). The published
code takes the very same rows for as long as T is steady; here a row comes once in a pass. R is
accuracy, never a shaped reward, and smoothed, so that one lucky batch does not move the target far.
"""

import base64
import math
import zlib
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.record.canonical import Json
from train.curricula.adaptive import AdaptiveOrder, Floats, above_guessing, known_rates, section
from train.curricula.order import Outcome, Pool
from train.curricula.settings import AdarftSettings


class AdarftOrder(AdaptiveOrder):
    """The rows nearest to the target that have not come in this pass through their lane."""

    def __init__(self, pool: Pool, settings: AdarftSettings, seed: int) -> None:
        super().__init__(pool, seed)
        self.settings = settings
        self._guess = np.array(pool.guess_rates, np.float64)
        self.difficulties = 100 * (1 - above_guessing(known_rates(pool)[0], self._guess))
        self.target = settings.start
        self._success: float | None = None
        self._seen = {lane: np.zeros(len(rows), bool) for lane, rows in self.rows_of_lane.items()}

    def _choose(self, lane: int, count: int, taken: Collection[int]) -> list[int]:
        rows, seen = self.rows_of_lane[lane], self._seen[lane]
        open_ = np.ones(len(rows), bool)
        open_[np.searchsorted(rows, sorted(taken))] = False
        unseen = np.flatnonzero(open_ & ~seen)
        chosen = unseen[self._nearest(rows[unseen], count)]
        seen[chosen] = True
        missing = count - len(chosen)
        if missing:  # the pass is over; the batch goes on in the next one, with other rows
            open_[chosen] = False
            seen[:] = False
            again = np.flatnonzero(open_)
            further = again[self._nearest(rows[again], missing)]
            seen[further] = True
            chosen = np.concatenate([chosen, further])
        found: list[int] = rows[chosen].tolist()
        return found

    def _nearest(self, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Places of the rows nearest to the target; of two as near, the one that stands first."""
        distances = np.abs(self.difficulties[rows] - self.target)
        if len(distances) > count:
            farthest = np.partition(distances, count - 1)[count - 1]
            nearer = np.flatnonzero(distances < farthest)
            ties = np.flatnonzero(distances == farthest)[: count - len(nearer)]
            places = np.concatenate([nearer, ties])
        else:
            places = np.arange(len(distances))
        found: NDArray[np.int64] = places[np.lexsort((places, distances[places]))]
        return found

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        graded = [o for o in outcomes if o.accuracy is not None]
        if not graded:
            return
        accuracies = np.array([o.accuracy for o in graded], np.float64)
        guess = self._guess[[o.row for o in graded]]
        success = _mean_above_guessing(accuracies, guess)
        keep = self.settings.smoothing
        known = success if self._success is None else self._success
        self._success = keep * known + (1 - keep) * success
        s = self.settings
        step = s.step * math.tanh(s.sensitivity * (self._success - s.success))
        self.target = min(100.0, max(0.0, self.target + step))

    def _state(self) -> dict[str, Json]:
        seen: dict[str, Json] = {str(lane): _packed(flags) for lane, flags in self._seen.items()}
        success = None if self._success is None else repr(self._success)
        return {"target": repr(self.target), "success": success, "seen": seen}

    def _load(self, state: Mapping[str, Json]) -> None:
        self.target = float(str(state["target"]))
        success = state["success"]
        self._success = None if success is None else float(str(success))
        seen = section(state, "seen")
        self._seen = {
            lane: _unpacked(str(seen[str(lane)]), len(rows))
            for lane, rows in self.rows_of_lane.items()
        }


def _mean_above_guessing(accuracies: Floats, guess: Floats) -> float:
    # Cut off only after the mean: groups below chance must weigh against those above it.
    above = (accuracies - guess) / np.maximum(1 - guess, 1e-9)
    return float(min(1.0, max(0.0, above.mean())))


def _packed(flags: NDArray[np.bool_]) -> str:
    """Write flags as text: a million take 170 kB at most."""
    return base64.b64encode(zlib.compress(np.packbits(flags).tobytes())).decode()


def _unpacked(text: str, count: int) -> NDArray[np.bool_]:
    bits = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    if len(bits) != -(-count // 8):
        raise ValueError("the state is of a lane of another size: it is that of another order")
    return np.unpackbits(bits, count=count).astype(bool)
