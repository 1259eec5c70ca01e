"""The terms that are added to a reward: pure functions over P groups of G answers.

Each gives a finite number for every answer, in tokens and never in characters, and compares an
answer with the others to the same question only. Unscored answers get 0 and count in no mean.
"""

import numpy as np

from train.shaping.groups import Bools, Floats, GroupBatch

HARD_ABOVE = 0.8
"""FAST: the quantile of difficulty in the batch above which a question is hard."""
LEAST_GAP = 1e-9
"""Between a right and a wrong value, below which they count as equal."""


def kimi_length(batch: GroupBatch) -> Floats:
    """Give Kimi k1.5's length reward (arXiv 2501.12599), within [-.5, .5].

    The shortest answer of a group has .5, the longest -.5, and where all are of one length they
    have 0. An answer that is wrong, or was cut, never has more than 0.
    """
    scored_PG, tokens_PG = batch.scored_PG, batch.tokens_PG
    shortest_P1 = np.where(scored_PG, tokens_PG, np.inf).min(axis=1, keepdims=True)
    longest_P1 = np.where(scored_PG, tokens_PG, -np.inf).max(axis=1, keepdims=True)
    differ_P1 = longest_P1 > shortest_P1
    # Where nothing differs, or nothing is scored, the bounds may be infinite: nothing is divided.
    shortest_P1 = np.where(differ_P1, shortest_P1, 0.0)
    span_P1 = np.where(differ_P1, longest_P1 - shortest_P1, 1.0)
    term_PG = np.where(scored_PG & differ_P1, 0.5 - (tokens_PG - shortest_P1) / span_P1, 0.0)
    earns_PG = batch.right_PG & ~batch.truncated_PG
    capped_PG: Floats = np.where(earns_PG, term_PG, np.minimum(term_PG, 0.0))
    return capped_PG


def fast_length(batch: GroupBatch) -> Floats:
    """Give FAST's difficulty-aware length reward (arXiv 2504.18458), within [-1, 1].

    Right answers to an easy question have 1 - L / mean L, at least -1. Wrong ones to a hard
    question have L / mean L - 1, from 0 to 1, unless they were cut: a short wrong answer is not
    fined, for else it would pay to run on until one is cut.
    """
    scored_PG, tokens_PG = batch.scored_PG, batch.tokens_PG
    count_P1 = scored_PG.sum(axis=1, keepdims=True)
    total_P1 = np.where(scored_PG, tokens_PG, 0.0).sum(axis=1, keepdims=True)
    known_P1 = total_P1 > 0
    mean_P1 = np.where(known_P1, total_P1 / np.maximum(count_P1, 1), 1.0)
    ratio_PG = np.where(known_P1, tokens_PG / mean_P1, 1.0)
    hard_P1 = hard(batch)[:, None]
    brief_PG = scored_PG & batch.right_PG & ~hard_P1
    explored_PG = scored_PG & ~batch.right_PG & ~batch.truncated_PG & hard_P1
    term_PG = np.where(brief_PG, np.clip(1.0 - ratio_PG, -1.0, 1.0), 0.0)
    return np.where(explored_PG, np.clip(ratio_PG - 1.0, 0.0, 1.0), term_PG)


def hard(batch: GroupBatch) -> Bools:
    """Say which questions are hard: the share of wrong answers times the picture's complexity lies
    above the batch's 80th percentile.

    Where no answer is scored, a question is not known to be hard.
    """
    scored_P = batch.scored_PG.sum(axis=1)
    wrong_P = (batch.scored_PG & ~batch.right_PG).sum(axis=1) / np.maximum(scored_P, 1)
    difficulty_P = wrong_P * ranked(batch.complexity_P)
    known_P = scored_P > 0
    if not known_P.any():
        return np.zeros(len(scored_P), bool)
    threshold = np.quantile(difficulty_P[known_P], HARD_ABOVE)
    # A quantile of equal numbers may come out a rounding error below them.
    is_hard_P: Bools = known_P & (difficulty_P > threshold + 1e-9)
    return is_hard_P


def ranked(complexity_P: Floats) -> Floats:
    """Rank complexities within the batch, from 0 to 1; equal ones share a rank.

    What has none (text), or nothing to be compared with, counts as 1.
    """
    known_P = np.isfinite(complexity_P)
    known = complexity_P[known_P]
    ranks_P = np.ones(len(complexity_P))
    if len(set(known.tolist())) > 1:
        below = (known[:, None] > known).sum(axis=1)
        equal = (known[:, None] == known).sum(axis=1)
        ranks_P[known_P] = (below + (equal - 1) / 2) / (len(known) - 1)
    return ranks_P


def soft_overlong(batch: GroupBatch, buffer: float) -> Floats:
    """Give DAPO's soft overlong punishment (arXiv 2503.14476), within [-1, 0].

    It grows from 0 to -1 over the last `buffer` of `max_tokens`; what was cut has -1.
    """
    width = buffer * batch.max_tokens
    over_PG = (batch.tokens_PG - (batch.max_tokens - width)) / width
    fine_PG = np.where(batch.truncated_PG, 1.0, np.clip(over_PG, 0.0, 1.0))
    return np.where(batch.scored_PG, -fine_PG, 0.0)


def room(batch: GroupBatch) -> Floats:
    """Say how much may be added to each group: the least gap between a right and a wrong value.

    1 where the gap is wider, or where there is none since all are alike; 0 where the verifier
    itself gave a wrong answer as much as a right one.
    """
    wrong_PG = batch.scored_PG & ~batch.right_PG
    lowest_P = np.where(batch.right_PG, batch.values_PG, np.inf).min(axis=1)
    highest_P = np.where(wrong_PG, batch.values_PG, -np.inf).max(axis=1)
    gap_P = np.clip(lowest_P - highest_P, 0.0, 1.0)
    # A gap of rounding errors has no room for a sum.
    return np.where(gap_P > LEAST_GAP, gap_P, 0.0)
