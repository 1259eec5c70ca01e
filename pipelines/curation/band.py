"""Which candidates stay: those that are neither too easy nor too hard, and not too many of them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from pipelines.curation.candidates import Candidate
from pipelines.curation.plans import Band, Quota
from pipelines.curation.prediction import PRIOR


def choose(
    candidates: Sequence[Candidate], band: Band, quota: Quota
) -> tuple[list[Candidate], Counter[str]]:
    """Apply the band, then the quota; give those that stay, by sample_id, and what dropped out."""
    verdicts = [(candidate, judge(candidate, band)) for candidate in candidates]
    inside = [candidate for candidate, reason in verdicts if not reason]
    unsolved = [candidate for candidate, reason in verdicts if reason == "unsolved"]
    dropped = Counter(reason for _, reason in verdicts if reason and reason != "unsolved")
    kept, beyond = _within_quota(_shuffled(inside, quota.seed, "quota"), quota)
    kept, let_in = _with_unsolved(kept, _shuffled(unsolved, quota.seed, "unsolved"), band, quota)
    beyond["size"] = len(inside) - beyond["per_task"] - (len(kept) - let_in)
    dropped["unsolved"] = len(unsolved) - let_in
    return sorted(kept, key=lambda candidate: candidate.sample_id), dropped + beyond


def draw_control(candidates: Sequence[Candidate], size: int, seed: int) -> list[Candidate]:
    """Choose `size` candidates at random, whatever their difficulty."""
    return _shuffled(candidates, seed, "control")[:size]


def judge(candidate: Candidate, band: Band) -> str:
    """Give the reason why a candidate is outside the band; empty when it is inside."""
    guess = candidate.guess_rate if band.guess_correction else 0.0
    return _judge(candidate.successes, candidate.tries, guess, band)


def draw(seed: int, purpose: str, key: str) -> str:
    """Give the place of a key in a seeded shuffle; it does not depend on the other keys."""
    return hashlib.sha256(f"{seed}:{purpose}:{key}".encode()).hexdigest()


@lru_cache(maxsize=65536)
def _judge(successes: int, tries: int, guess_rate: float, band: Band) -> str:
    if not successes:
        return "unsolved"
    guess = Fraction(guess_rate).limit_denominator(1000)
    # The bounds are above guessing; on the raw rate they lie at g + (1 - g) x.
    low, high = (guess + (1 - guess) * Fraction(repr(x)) for x in (band.low, band.high))
    rate = Fraction(successes, tries)
    if band.rule == "estimate":
        return "too_hard" if rate < low else "too_easy" if rate > high else ""
    from scipy.special import betainc

    a, b = successes + PRIOR, tries - successes + PRIOR
    below, above = float(betainc(a, b, float(low))), 1 - float(betainc(a, b, float(high)))
    if 1 - below - above >= band.probability:
        return ""
    return "too_hard" if below > above else "too_easy"


def _shuffled(candidates: Sequence[Candidate], seed: int, purpose: str) -> list[Candidate]:
    return sorted(candidates, key=lambda c: (draw(seed, purpose, c.sample_id), c.sample_id))


def _within_quota(
    shuffled: Sequence[Candidate], quota: Quota
) -> tuple[list[Candidate], Counter[str]]:
    """Take at most `per_task` of each task; the size is cut once the unsolved are known."""
    if quota.per_task is None:
        return list(shuffled), Counter()
    kept: list[Candidate] = []
    taken: Counter[str] = Counter()
    for candidate in shuffled:
        if taken[candidate.task] < quota.per_task:
            taken[candidate.task] += 1
            kept.append(candidate)
    return kept, Counter(per_task=len(shuffled) - len(kept))


def _with_unsolved(
    solved: list[Candidate], unsolved: Sequence[Candidate], band: Band, quota: Quota
) -> tuple[list[Candidate], int]:
    """Let unsolved samples in up to their share, within size and task quota; say how many."""
    share = Fraction(repr(band.unsolved_share))
    room = int(share / (1 - share) * len(solved))
    if quota.size is not None:
        room = min(room, int(share * quota.size))
    taken = Counter(candidate.task for candidate in solved)
    let_in: list[Candidate] = []
    for candidate in unsolved:
        if len(let_in) == room:
            break
        if quota.per_task is None or taken[candidate.task] < quota.per_task:
            taken[candidate.task] += 1
            let_in.append(candidate)
    places = None if quota.size is None else quota.size - len(let_in)
    return solved[:places] + let_in, len(let_in)
