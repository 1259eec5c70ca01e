"""What is known of samples: few combinations, however many samples there are.

A rule is asked once for each combination, exactly, in Python; what it says is then looked up for
ten million samples at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.curation.ids import Ids, Rows

Numbers = NDArray[np.int32]
Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Probed:
    """Answers to one sample, asked plainly and under a probe, by the same policies."""

    tries: int
    successes: int
    probed_tries: int
    probed_successes: int


@dataclass(frozen=True, slots=True)
class Trained:
    """What the runs of a plan say of one sample."""

    answers: int
    """Graded answers to the plain sample that are young enough."""
    rate: float | None
    """Share of right ones, the recent ones weighing more; None where there is no answer."""
    alignment: float | None
    """LIMR's score, the mean over the runs; None where they visited it too seldom, or the rule
    does not ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is known of samples that differ in nothing but their names."""

    task: str
    modality: str
    answer_kind: str
    guess_rate: float
    tries: int
    successes: float
    """A whole number, but where training answers were discounted for their age."""
    corpus: str = ""
    blind: Probed | None = None
    """What the blind probe found; None where it did not ask."""
    shuffled: Probed | None = None
    """What the shuffle probe found; None where it did not ask."""
    ever_solved: bool = True
    """Whether any policy solved it, those that the plan does not look at included."""
    tries_of_all: int = 0
    """Graded tries of all policies; looked up only where the plan's policies never solved it."""
    trained: Trained | None = None
    """What the plan's training runs say; None where it names none or they never asked."""
    from_training: bool = False
    """Whether its tries are training answers."""

    def rate(self, *, guess_correction: bool) -> Fraction:
        """Give the pass rate, exactly; corrected for guessing where that is wanted."""
        return _rate(self.successes, self.tries, self.guess_rate if guess_correction else 0.0)


@dataclass(frozen=True)
class Pool:
    """Samples that may be chosen, in the order of their ids, and what is known of each."""

    ids: Ids
    numbers: Numbers
    """Which of `kinds` each sample is, [N]."""
    kinds: Sequence[Kind]

    def __len__(self) -> int:
        return len(self.ids)

    def told(
        self, tell: Callable[[Kind], object], dtype: type[Value], rows: Rows | None = None
    ) -> NDArray[Value]:
        """Ask something of every kind, and give the answer for all samples, or those in `rows`."""
        answers = np.array([tell(kind) for kind in self.kinds], dtype=dtype)
        found: NDArray[Value] = answers[self.numbers if rows is None else self.numbers[rows]]
        return found

    def counted(self, rows: Rows | None = None) -> NDArray[np.int64]:
        """Count the samples of each kind, [K]."""
        numbers = self.numbers if rows is None else self.numbers[rows]
        return np.bincount(numbers, minlength=len(self.kinds))


class Numbering:
    """Gives the same number to equal rows of many batches."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        """The distinct rows, by their numbers."""
        self._known: dict[tuple[Any, ...], int] = {}

    def number(self, columns: pa.RecordBatch) -> Numbers:
        """Give the number of each row."""
        codes = _codes(columns)
        first = np.zeros(int(codes.max(initial=-1)) + 1, np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last one written is the first row
        found: Numbers = np.array([self._number(row) for row in _rows(columns, first)], np.int32)
        return found[codes]

    def _number(self, row: dict[str, Any]) -> int:
        number = self._known.setdefault(tuple(row.values()), len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        return number


def share_of(successes: float, tries: int) -> Fraction:
    """Give the share exactly; a discounted count is known to thousandths."""
    return Fraction(successes).limit_denominator(1000) / tries


def _rows(columns: pa.RecordBatch, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = columns.take(pa.array(rows)).to_pylist()
    return taken


def _codes(columns: pa.RecordBatch) -> NDArray[np.int64]:
    """Number the distinct rows of one batch in the order in which they come first."""
    mixed, span = np.zeros(columns.num_rows, np.int64), 1
    for column in columns.columns:
        if column.null_count == len(column):
            continue
        encoded = column.dictionary_encode(null_encoding="encode")
        size = len(encoded.dictionary)
        if span * size > 2**62:
            mixed, span = _dense(mixed)
        mixed, span = mixed * size + encoded.indices.to_numpy(), span * size
    return _dense(mixed)[0]


def _dense(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    encoded = pa.array(codes).dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


@lru_cache(maxsize=65536)
def _rate(successes: float, tries: int, guess_rate: float) -> Fraction:
    guess = Fraction(guess_rate).limit_denominator(1000)
    if guess >= 1:
        return Fraction(0)
    return max(Fraction(0), (share_of(successes, tries) - guess) / (1 - guess))
