"""From settings to a source of order."""

from train.curricula.adarft import AdarftOrder
from train.curricula.bandit import BanditOrder
from train.curricula.e2h import E2hOrder
from train.curricula.fixed import FixedOrder
from train.curricula.greso import GresoOrder
from train.curricula.order import Order, Pool
from train.curricula.prioritised import PrioritisedOrder
from train.curricula.settings import CurriculumSettings
from train.curricula.stages import StagesOrder
from train.curricula.variance import VarianceOrder


def make_order(settings: CurriculumSettings, pool: Pool, *, batches: int, seed: int) -> Order:
    """Make the order of a run that takes `batches` batches. Raises WrongUse when it cannot be."""
    # Settings hold the section of their source, and no other.
    if settings.stages:
        return StagesOrder(pool, settings.stages)
    if settings.e2h:
        return E2hOrder(pool, settings.e2h, batches, seed)
    if settings.adarft:
        return AdarftOrder(pool, settings.adarft, seed)
    if settings.variance:
        return VarianceOrder(pool, settings.variance, seed)
    if settings.prioritised:
        return PrioritisedOrder(pool, settings.prioritised, seed)
    if settings.bandit:
        return BanditOrder(pool, settings.bandit, seed)
    if settings.greso:
        return GresoOrder(pool, settings.greso, seed)
    return FixedOrder(pool)
