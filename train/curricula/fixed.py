"""The curated order: position after position, pass after pass.

A batch holds rows of one stage and one lane. The next batch comes from the lane whose next row
stands first, so that a dataset laid out for this batch size is seen exactly in its order, and any
other is cut into batches without losing a row: where a stage's lane does not fill its last batch,
that is filled up with rows of the same from its beginning (IDENTITY 23).
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

from pipelines.record.canonical import Json
from train.curricula.order import Batch, Outcome, Pool


class FixedOrder:
    """Rows in the order of their positions, batched by stage and lane.

    `passes` gives how often each stage is gone through before the next (Curr-ReFT: 1, 1, 2), the
    last number holding for all further stages.
    """

    def __init__(self, pool: Pool, passes: Sequence[int] = (1,)) -> None:
        self.passes = tuple(passes)
        self.lanes_of_stage = _lanes_of_stages(pool)
        self._stage = 0
        """Index among the stages there are."""
        self._pass = 0
        """Passes through the stage that are complete."""
        self._open: list[int] = []
        """Stages of the batches that were chosen and not yet observed; the first is under way."""
        self._taken = self._none_taken()

    def next_batch(self, count: int) -> Batch:
        """Take the next rows of the lane whose next row stands first."""
        self._advance()
        self._open.append(self._stage)
        lanes = self.lanes_of_stage[self._stage]
        lane = min(
            (rows[self._taken[lane]], lane) for lane, rows in lanes.items() if self._left(lane)
        )[1]
        rows = self._take(lane, count)
        missing = count - len(rows)
        # From the lane's beginning, round and round where it has fewer rows than a batch.
        filling = [lanes[lane][i % len(lanes[lane])] for i in range(missing)]
        return Batch((*rows, *filling), missing)

    def more(self, count: int, lane: int) -> list[int]:
        """Take further rows of the stage of the batch under way; fewer where it ends."""
        # The loader looks a batch ahead, which may already stand in the next stage.
        under_way = self._open[0] if self._open else self._stage
        if under_way != self._stage or lane not in self.lanes_of_stage[self._stage]:
            return []
        return self._take(lane, count)

    def observe(self, outcomes: Sequence[Outcome]) -> None:  # noqa: ARG002
        """Nothing is learned: the order is fixed."""
        del self._open[:1]

    def state_dict(self) -> dict[str, Json]:
        """Give where each lane of the stage stands."""
        taken: dict[str, Json] = {str(lane): taken for lane, taken in self._taken.items()}
        state: dict[str, Json] = {"stage": self._stage, "pass": self._pass, "taken": taken}
        return state | {"open": list(self._open)}

    def load_state_dict(self, state: Mapping[str, Json]) -> None:
        """Go on where a checkpoint stood. Raises ValueError for the state of another order."""
        try:
            stage, passes = int(str(state["stage"])), int(str(state["pass"]))
            taken = {int(lane): int(str(n)) for lane, n in dict(state["taken"]).items()}  # type: ignore[arg-type]
            open_ = [int(str(stage)) for stage in list(state["open"])]  # type: ignore[arg-type]
            known = set(self.lanes_of_stage[stage])
        except (KeyError, IndexError, TypeError, ValueError):
            known, taken = set(), {-1: 0}
        if set(taken) != known:
            raise ValueError(f"{state} is not the state of this order")
        self._stage, self._pass, self._taken, self._open = stage, passes, taken, open_

    def _advance(self) -> None:
        """Go on to the next pass, or the next stage, where this one is seen to its end."""
        if any(self._left(lane) for lane in self._taken):
            return
        self._pass += 1
        if self._pass >= self.passes[min(self._stage, len(self.passes) - 1)]:
            self._pass, self._stage = 0, (self._stage + 1) % len(self.lanes_of_stage)
        self._taken = self._none_taken()

    def _none_taken(self) -> dict[int, int]:
        return dict.fromkeys(self.lanes_of_stage[self._stage], 0)

    def _left(self, lane: int) -> int:
        return len(self.lanes_of_stage[self._stage][lane]) - self._taken[lane]

    def _take(self, lane: int, count: int) -> list[int]:
        start = self._taken[lane]
        rows = self.lanes_of_stage[self._stage][lane][start : start + count]
        self._taken[lane] = start + len(rows)
        return list(rows)


def batches_of_a_pass(pool: Pool, count: int, passes: Sequence[int] = (1,)) -> int:
    """How many batches it takes to go through all stages, each as often as `passes` says."""
    times = [passes[min(i, len(passes) - 1)] for i in range(len(_lanes_of_stages(pool)))]
    stages = zip(times, _lanes_of_stages(pool), strict=True)
    return sum(n * sum(-(-len(rows) // count) for rows in lanes.values()) for n, lanes in stages)


def _lanes_of_stages(pool: Pool) -> list[dict[int, tuple[int, ...]]]:
    """The rows of each lane, for each stage that there is, in the order of stages."""
    by_stage = sorted(range(len(pool)), key=lambda row: (pool.stages[row], row))
    found = []
    for _, members in groupby(by_stage, key=lambda row: pool.stages[row]):
        rows = list(members)
        lanes = sorted({pool.lanes[row] for row in rows})
        found.append({lane: tuple(r for r in rows if pool.lanes[r] == lane) for lane in lanes})
    return found
