"""Pools to choose from, and a policy that learns by a known law."""

import numpy as np

from train.curricula.make import make_order
from train.curricula.order import Order, Outcome, Pool
from train.curricula.settings import CurriculumSettings

SOURCES = ("fixed", "stages", "e2h", "adarft", "variance", "prioritised", "bandit", "greso")
ADAPTIVE = SOURCES[2:]


def pool_of_rates(
    rates: list[float | None],
    *,
    stages: list[int] | None = None,
    lanes: list[int] | None = None,
    padded: list[bool] | None = None,
    categories: list[str] | None = None,
    guess: list[float] | None = None,
) -> Pool:
    n = len(rates)
    return Pool(
        sample_ids=tuple(f"s{i}" for i in range(n)),
        positions=tuple(range(n)),
        stages=tuple(stages or [0] * n),
        lanes=tuple(lanes or [0] * n),
        padded=tuple(padded or [False] * n),
        pass_rates=tuple(rates),
        guess_rates=tuple(guess or [0.0] * n),
        categories=tuple(categories or ["t"] * n),
    )


def mixed_pool(n: int = 90, seed: int = 0) -> Pool:
    """Two lanes, three stages, five categories, some padding, some rates unknown."""
    rng = np.random.default_rng(seed)
    rates = [None if rng.random() < 0.1 else float(rng.integers(0, 9)) / 8 for _ in range(n)]
    return pool_of_rates(
        rates,
        stages=[i * 3 // n for i in range(n)],
        lanes=(rng.random(n) < 0.3).astype(int).tolist(),
        padded=(rng.random(n) < 0.05).tolist(),
        categories=[f"c{i}" for i in rng.integers(0, 5, n)],
    )


def order_by(by: str, pool: Pool, *, batches: int = 100, seed: int = 0, **options: object) -> Order:
    own = {by: options} if options else {}
    settings = CurriculumSettings.model_validate({"by": by, **own})
    return make_order(settings, pool, batches=batches, seed=seed)


def outcome(row: int, accuracy: float | None) -> Outcome:
    known = 0.0 if accuracy is None else accuracy
    gain = 2 * (known * (1 - known)) ** 0.5
    return Outcome(row=row, accuracy=accuracy, abs_advantage=gain)


def answer(rows: list[int], rates: np.ndarray, rng: np.random.Generator) -> list[Outcome]:
    """Eight answers to each row, by its true pass rate."""
    return [outcome(row, float(rng.binomial(8, rates[row])) / 8) for row in rows]


class Learner:
    """p_i = sigmoid(ability - d_i); what is solved half the time teaches most."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rng = np.random.default_rng([seed, rows])
        self.category = self.rng.integers(0, 6, rows)
        # Categories differ in difficulty, rows within a category too.
        self.difficulty = (self.category - 2.5) * 1.5 + self.rng.normal(0, 1.5, rows)
        self.ability = 0.0

    @property
    def rates(self) -> np.ndarray:
        return 1 / (1 + np.exp(self.difficulty - self.ability))

    def pool(self) -> Pool:
        frozen = self.rng.binomial(8, self.rates) / 8
        return pool_of_rates(frozen.tolist(), categories=[f"c{i}" for i in self.category])

    def signal_of_run(self, order: Order, batches: int, count: int) -> float:
        """Mean 4p(1-p) of all that a run consumes, learning on the way."""
        signals = []
        for _ in range(batches):
            rows = list(order.next_batch(count).rows)
            rates = self.rates
            signals.append(float(np.mean(4 * rates[rows] * (1 - rates[rows]))))
            order.observe(answer(rows, rates, self.rng))
            self.ability += 0.01 * signals[-1]
        return float(np.mean(signals))
