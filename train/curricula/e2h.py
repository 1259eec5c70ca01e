"""From easy levels to hard ones, by a schedule over the run (E2H, arXiv 2506.06632).

Progress is the share of the run's batches that are chosen: f = t / T. Easy levels fade and never
vanish, but for `classic`, where there is one level at a time.
"""

import math
from collections.abc import Sequence

import numpy as np

from pipelines.workspace import WrongUse
from train.curricula.adaptive import Floats, Ints, above_guessing, known_rates
from train.curricula.arms import ArmsOrder
from train.curricula.order import Outcome, Pool
from train.curricula.settings import E2hSettings


class E2hOrder(ArmsOrder):
    """Levels by schedule, and within a level the curated order."""

    def __init__(self, pool: Pool, settings: E2hSettings, batches: int, seed: int) -> None:
        levels = _levels(pool, settings)
        super().__init__(pool, levels, seed)
        self.settings = settings
        self.levels = int(levels.max()) + 1
        self.batches_of_run = max(1, batches)

    def probabilities(self) -> Floats:
        """Of each level, for the batch that is chosen next."""
        return schedule(self.settings, self.batches / self.batches_of_run, self.levels)

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing is learned: the schedule is fixed."""


def schedule(settings: E2hSettings, progress: float, levels: int) -> Floats:
    """Give the probability of each level at a progress from 0 to 1, [K]."""
    progress = min(max(progress, 0.0), 1.0)
    if settings.schedule == "classic":
        return classic(progress, levels)
    if settings.schedule == "cosine":
        return cosine(progress, levels)
    return gaussian(progress, levels, settings.beta, settings.sigma)


def classic(progress: float, levels: int) -> Floats:
    """All of level floor(f K)."""
    chances = np.zeros(levels)
    chances[min(levels - 1, math.floor(progress * levels))] = 1.0
    return chances


def cosine(progress: float, levels: int) -> Floats:
    """From weights that fall with the level to weights that rise with it."""
    total = levels * (levels + 1) / 2
    ease = 0.5 * (1 + math.cos(math.pi * progress))
    i = np.arange(levels)
    weights = np.maximum((ease * (levels - i) + (1 - ease) * (i + 1)) / total, 1 / total)
    chances: Floats = weights / weights.sum()
    return chances


def gaussian(progress: float, levels: int, beta: float, sigma: float) -> Floats:
    """A bell over the levels whose middle moves as f^beta, above a floor."""
    middle, floor = progress**beta * (levels - 1), 2 / (levels * (levels + 1))
    bell = np.exp(-((np.arange(levels) - middle) ** 2) / (2 * sigma**2))
    chances: Floats = floor + (1 - levels * floor) * bell / bell.sum()
    return chances


def _levels(pool: Pool, settings: E2hSettings) -> Ints:
    """The level of each row, easy first."""
    if settings.levels_by == "stages":
        stages, levels = np.unique(np.array(pool.stages), return_inverse=True)
        if len(stages) < 2:
            raise WrongUse(
                "the dataset has one stage and so one level; curate it with more stages, "
                'or let e2h make levels by "pass-rate"'
            )
        return levels.astype(np.int64)
    rates, known = known_rates(pool)
    if not known.any():
        raise WrongUse("no row has a pass rate to make levels of; score the samples first")
    if len(pool) < settings.levels:
        raise WrongUse(f"{len(pool)} rows do not make {settings.levels} levels; take fewer levels")
    ease = above_guessing(rates, np.array(pool.guess_rates))
    levels = np.empty(len(pool), np.int64)
    # Equal counts; rows of one rate are split by their positions.
    levels[np.argsort(-ease, kind="stable")] = np.arange(len(pool)) * settings.levels // len(pool)
    return levels
