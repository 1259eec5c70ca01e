"""Which candidates stay: those that are neither too easy nor too hard, and not too many of them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from pipelines.curation.candidates import Candidate, share_of
from pipelines.curation.gates import gate
from pipelines.curation.plans import Band, Gates, Quota, TrainingRule
from pipelines.curation.prediction import PRIOR
from pipelines.curation.training import judge_trained

DEFAULT_GATES = Gates()
NO_TRAINING = TrainingRule()


def choose(
    candidates: Sequence[Candidate],
    band: Band,
    quota: Quota,
    gates: Gates = DEFAULT_GATES,
    training: TrainingRule = NO_TRAINING,
) -> tuple[list[Candidate], Counter[str]]:
    """Apply band, gates and quota; give those that stay, by sample_id, and what dropped out."""
    verdicts = [(c, _verdict(c, band, gates, training)) for c in candidates]
    inside = [candidate for candidate, reason in verdicts if not reason]
    unsolved = [candidate for candidate, reason in verdicts if reason == "unsolved"]
    dropped = Counter(reason for _, reason in verdicts if reason and reason != "unsolved")
    kept, beyond = _within_quota(_shuffled(inside, quota.seed, "quota"), quota)
    waiting = _shuffled(unsolved, quota.seed, "unsolved")
    let_in, dropped["unsolved_by_all"] = _let_in(kept, waiting, band, gates, quota)
    places = None if quota.size is None else quota.size - len(let_in)
    beyond["size"] = len(kept) - len(kept[:places])
    dropped["unsolved"] = len(unsolved) - len(let_in) - dropped["unsolved_by_all"]
    whole = sorted(kept[:places] + let_in, key=lambda candidate: candidate.sample_id)
    return whole, dropped + beyond


def draw_control(candidates: Sequence[Candidate], size: int, seed: int) -> list[Candidate]:
    """Choose `size` candidates at random, whatever their difficulty."""
    return _shuffled(candidates, seed, "control")[:size]


def _verdict(candidate: Candidate, band: Band, gates: Gates, training: TrainingRule) -> str:
    """Give the first reason against a candidate; the unsolved wait for their share."""
    reason = judge(candidate, band)
    if reason not in ("", "unsolved"):
        return reason
    learned = judge_trained(
        candidate.trained, training, candidate.guess_rate, guess_correction=band.guess_correction
    )
    return learned or gate(candidate, gates) or reason


def judge(candidate: Candidate, band: Band) -> str:
    """Give the reason why a candidate is outside the band; empty when it is inside."""
    guess = candidate.guess_rate if band.guess_correction else 0.0
    return _judge(candidate.successes, candidate.tries, guess, band)


def draw(seed: int, purpose: str, key: str) -> str:
    """Give the place of a key in a seeded shuffle; it does not depend on the other keys."""
    return hashlib.sha256(f"{seed}:{purpose}:{key}".encode()).hexdigest()


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


def _let_in(
    solved: Sequence[Candidate],
    unsolved: Sequence[Candidate],
    band: Band,
    gates: Gates,
    quota: Quota,
) -> tuple[list[Candidate], int]:
    """Choose unsolved samples up to their share, within size and task quota.

    Those that another policy solved are merely hard and come first; how many of the others the
    gate held back, though there was room for them, is given too.
    """
    room = _room(band.unsolved_share, len(solved), quota)
    hard = [candidate for candidate in unsolved if candidate.ever_solved]
    doubtful = [candidate for candidate in unsolved if not candidate.ever_solved]
    known = [c for c in doubtful if c.tries_of_all >= gates.unsolved_by_all_tries]
    taken = Counter(candidate.task for candidate in solved)
    let_in = _within_task(hard, room, taken, quota)
    most = _room(gates.unsolved_by_all_share, len(solved) + len(let_in), quota)
    let_in += _within_task(known, min(most, room - len(let_in)), taken, quota)
    chosen = {candidate.sample_id for candidate in let_in}
    still = [candidate for candidate in doubtful if candidate.sample_id not in chosen]
    return let_in, len(_within_task(still, room - len(let_in), taken, quota))


def _room(share: float, others: int, quota: Quota) -> int:
    """How many samples are at most that share of themselves and the others, or of the size."""
    exact = Fraction(repr(share))
    room = int(exact / (1 - exact) * others)
    return room if quota.size is None else min(room, int(exact * quota.size))


def _within_task(
    waiting: Sequence[Candidate], room: int, taken: Counter[str], quota: Quota
) -> list[Candidate]:
    """Take the first that fit, and count them in `taken`."""
    chosen: list[Candidate] = []
    for candidate in waiting:
        if len(chosen) >= room:
            break
        if quota.per_task is None or taken[candidate.task] < quota.per_task:
            taken[candidate.task] += 1
            chosen.append(candidate)
    return chosen
