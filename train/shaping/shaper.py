"""Shaping as a reward function calls it: with what TRL hands over for one draw of one process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.rewards import Score
from train.shaping.groups import GroupBatch, Shaped
from train.shaping.shaping import Shaping


class Told(NamedTuple):
    """What shaping is told of one answer."""

    score: Score
    tokens: int
    truncated: bool
    row: int
    complexity: float | None


def alone(told: list[Told]) -> list[Told]:
    """Give what all processes were told, where there is one."""
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaper:
    """Shapes the scores of whole groups, laid out one behind the other."""

    shaping: Shaping
    group: int
    """Answers to one question."""
    max_tokens: int
    ends: frozenset[int]
    """Tokens with which a whole answer ends; one without was cut."""
    complexity_of: Callable[[int], float | None] = lambda _: None
    """Gives the complexity of a row's picture, where the shaping asks for it."""
    gather: Callable[[list[Told]], list[Told]] = alone
    """Joins the lists of all processes in the order of their ranks: what is hard is a matter of the
    whole batch."""
    rank: int = 0

    def __call__(
        self,
        scores: Sequence[Score],
        *,
        rows: Sequence[int],
        token_ids: Sequence[Sequence[int]],
        progress: float,
    ) -> Shaped:
        """Shape one draw; `rows` says which row of the dataset each answer is to."""
        told = self._told(scores, rows, token_ids)
        if not self.shaping.wants_complexity:
            return self.shaping.apply(self._batch(told), progress)
        own = len(told) // self.group
        groups = slice(self.rank * own, (self.rank + 1) * own)
        return self.shaping.apply(self._batch(self.gather(told)), progress).of_groups(groups)

    def _told(
        self, scores: Sequence[Score], rows: Sequence[int], token_ids: Sequence[Sequence[int]]
    ) -> list[Told]:
        look = self.complexity_of if self.shaping.wants_complexity else lambda _: None
        known = {row: look(row) for row in dict.fromkeys(rows)}
        return [
            Told(score, len(ids), bool(ids) and ids[-1] not in self.ends, row, known[row])
            for score, row, ids in zip(scores, rows, token_ids, strict=True)
        ]

    def _batch(self, told: Sequence[Told]) -> GroupBatch:
        return GroupBatch.of(
            [one.score for one in told],
            tokens=[one.tokens for one in told],
            truncated=[one.truncated for one in told],
            groups=[one.row for one in told],
            group=self.group,
            max_tokens=self.max_tokens,
            complexities=[one.complexity for one in told],
        )
