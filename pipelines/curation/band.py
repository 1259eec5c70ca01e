"""Which candidates stay: those that are neither too easy nor too hard, and not too many of them."""

from collections import Counter
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.curation.gates import gate
from pipelines.curation.ids import Rows
from pipelines.curation.kinds import Kind, Pool, share_of
from pipelines.curation.plans import Band, Gates, Quota, TrainingRule
from pipelines.curation.prediction import PRIOR
from pipelines.curation.training import judge_trained

DEFAULT_GATES = Gates()
NO_TRAINING = TrainingRule()

Counts = NDArray[np.int64]


class _Shares(NamedTuple):
    """How much of a set may be unsolved."""

    unsolved: float
    by_all: float
    """Share of what no policy ever solved, after so many `tries`."""
    tries: int

    @classmethod
    def of(cls, band: Band, gates: Gates) -> Self:
        return cls(band.unsolved_share, gates.unsolved_by_all_share, gates.unsolved_by_all_tries)


def choose(
    pool: Pool,
    band: Band,
    quota: Quota,
    gates: Gates = DEFAULT_GATES,
    training: TrainingRule = NO_TRAINING,
) -> tuple[Rows, Counter[str]]:
    """Apply band, gates and quota; give those that stay, by sample_id, and what dropped out."""
    verdicts = [verdict(kind, band, gates, training) for kind in pool.kinds]
    dropped: Counter[str] = Counter()
    for reason, count in zip(verdicts, pool.counted().tolist(), strict=True):
        dropped[reason] += count
    inside, unsolved = (_rows_of(pool, verdicts, reason) for reason in ("", "unsolved"))
    for reason in ("", "unsolved"):
        del dropped[reason]
    kept, beyond = _within_quota(pool, inside, quota)
    let_in, dropped["unsolved_by_all"] = _let_in(
        pool, kept, unsolved, _Shares.of(band, gates), quota
    )
    first = _cut(pool, kept, len(let_in), quota)
    beyond["size"] = len(kept) - len(first)
    dropped["unsolved"] = len(unsolved) - len(let_in) - dropped["unsolved_by_all"]
    return np.sort(np.concatenate([first, let_in])), dropped + beyond


def draw_control(pool: Pool, size: int, seed: int) -> Rows:
    """Choose `size` candidates at random, whatever their difficulty."""
    return pool.ids.shuffled(seed, "control")[:size]


def _rows_of(pool: Pool, verdicts: list[str], reason: str) -> Rows:
    return np.flatnonzero(np.array([v == reason for v in verdicts], bool)[pool.numbers])


def verdict(kind: Kind, band: Band, gates: Gates, training: TrainingRule) -> str:
    """Give the first reason against a candidate; the unsolved wait for their share."""
    reason = judge(kind, band)
    if reason not in ("", "unsolved"):
        return reason
    learned = judge_trained(
        kind.trained, training, kind.guess_rate, guess_correction=band.guess_correction
    )
    return learned or gate(kind, gates) or reason


def judge(kind: Kind, band: Band) -> str:
    """Give the reason why a candidate is outside the band; empty when it is inside."""
    guess = kind.guess_rate if band.guess_correction else 0.0
    return _judge(kind.successes, kind.tries, guess, band)


@lru_cache(maxsize=65536)
def _judge(successes: float, tries: int, guess_rate: float, band: Band) -> str:
    if not successes:
        return "unsolved"
    guess = Fraction(guess_rate).limit_denominator(1000)
    # The bounds are above guessing; on the raw rate they lie at g + (1 - g) x.
    low, high = (guess + (1 - guess) * Fraction(repr(x)) for x in (band.low, band.high))
    rate = share_of(successes, tries)
    if band.rule == "estimate":
        return "too_hard" if rate < low else "too_easy" if rate > high else ""
    from scipy.special import betainc

    a, b = successes + PRIOR, tries - successes + PRIOR
    below, above = float(betainc(a, b, float(low))), 1 - float(betainc(a, b, float(high)))
    if 1 - below - above >= band.probability:
        return ""
    return "too_hard" if below > above else "too_easy"


def _within_quota(pool: Pool, inside: Rows, quota: Quota) -> tuple[Rows, Counter[str]]:
    """Take at most `per_task` of each task; the size is cut once the unsolved are known."""
    if quota.per_task is None:
        return inside, Counter()
    shuffled = _drawn(pool, inside, quota, "quota")
    kept = shuffled[_earlier_of_task(_tasks(pool, shuffled)) < quota.per_task]
    return kept, Counter(per_task=len(shuffled) - len(kept))


def _cut(pool: Pool, kept: Rows, let_in: int, quota: Quota) -> Rows:
    """Cut to the size, less those that were let in; nothing is drawn where all have room."""
    if quota.size is None or quota.size - let_in >= len(kept):
        return kept
    return _drawn(pool, kept, quota, "quota")[: quota.size - let_in]


def _let_in(
    pool: Pool, solved: Rows, unsolved: Rows, shares: _Shares, quota: Quota
) -> tuple[Rows, int]:
    """Choose unsolved samples up to their share, within size and task quota.

    Those that another policy solved are merely hard and come first; how many of the others the
    gate held back, though there was room for them, is given too.
    """
    room = _room(shares.unsolved, len(solved), quota)
    if not room or not len(unsolved):
        return unsolved[:0], 0
    waiting = _drawn(pool, unsolved, quota, "unsolved")
    ever_solved = pool.told(lambda kind: kind.ever_solved, np.bool_, waiting)
    tried = pool.told(lambda k: k.tries_of_all >= shares.tries, np.bool_, waiting)
    hard = _within_task(pool, waiting[ever_solved], room, solved, quota)
    most = _room(shares.by_all, len(solved) + len(hard), quota)
    taken = np.concatenate([solved, hard])
    known = waiting[~ever_solved & tried]
    doubtful = _within_task(pool, known, min(most, room - len(hard)), taken, quota)
    let_in, taken = np.concatenate([hard, doubtful]), np.concatenate([taken, doubtful])
    still = waiting[~ever_solved & ~np.isin(waiting, doubtful)]
    return let_in, len(_within_task(pool, still, room - len(let_in), taken, quota))


def _room(share: float, others: int, quota: Quota) -> int:
    """How many samples are at most that share of themselves and the others, or of the size."""
    exact = Fraction(repr(share))
    room = int(exact / (1 - exact) * others)
    return room if quota.size is None else min(room, int(exact * quota.size))


def _within_task(pool: Pool, waiting: Rows, room: int, taken: Rows, quota: Quota) -> Rows:
    """Take the first that fit beside those that are `taken`."""
    if quota.per_task is None:
        return waiting[:room]
    names = sorted({kind.task for kind in pool.kinds})
    tasks = _tasks(pool, waiting)
    before = np.bincount(_tasks(pool, taken), minlength=len(names))
    return waiting[before[tasks] + _earlier_of_task(tasks) < quota.per_task][:room]


def _drawn(pool: Pool, rows: Rows, quota: Quota, purpose: str) -> Rows:
    return rows[pool.ids.take(rows).shuffled(quota.seed, purpose)]


def _tasks(pool: Pool, rows: Rows) -> Counts:
    """Give each sample's task as the place of its name among all of them."""
    names = sorted({kind.task for kind in pool.kinds})
    numbers = {name: number for number, name in enumerate(names)}
    return pool.told(lambda kind: numbers[kind.task], np.int64, rows)


def _earlier_of_task(tasks: Counts) -> Counts:
    """Count, for each sample, those of its task that stand before it."""
    order = np.argsort(tasks, kind="stable")
    firsts = np.searchsorted(tasks[order], tasks[order])
    earlier = np.empty(len(tasks), np.int64)
    earlier[order] = np.arange(len(tasks)) - firsts
    return earlier
