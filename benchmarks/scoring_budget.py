"""What deciding the band costs: adaptive asking beside a fixed number of answers, and how well
each finds the band.

Simulated pools of 20,000 samples with known pass rates (U-shaped, uniform, hard, and a mixed pool
of six tasks), then the tiny policy on the demo corpora, with 256 answers a sample for the truth.
Every rule sees the same answers in the same order. Recall and precision are those of the band
.1 < p < .9, measured above guessing.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from measuring import finish
from numpy.typing import NDArray

from pipelines.quiet import library_defaults
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.priors import priors_by_kind
from pipelines.scoring.tally import Tally

CAP = 32
TRUTH = 256
BAND = StoppingRule(cap=CAP)
RULES = {
    "confidence .9, Jeffreys": BAND,
    "confidence .9, prior per task": BAND.model_copy(update={"prior": "empirical"}),
    "worth .002, Jeffreys": BAND.model_copy(update={"stop": "worth"}),
    "worth .002, prior per task": BAND.model_copy(update={"stop": "worth", "prior": "empirical"}),
    "worth .003, prior per task": BAND.model_copy(
        update={"stop": "worth", "prior": "empirical", "price": 0.003}
    ),
}
MIXED_TASKS = ((6.0, 1.0), (0.3, 4.0), (0.5, 0.5), (2.0, 2.0), (0.15, 0.6), (1.0, 8.0))
"""Beta shapes of six tasks, from easy to hopeless."""


@dataclass(frozen=True)
class Pool:
    """Samples with their true pass rates, and answers that are drawn already, in order."""

    p: NDArray[np.float64]
    answers: NDArray[np.int64]
    """1 for right; one row a sample, one column an answer."""
    tasks: list[str]
    guess: NDArray[np.float64]

    @property
    def truth(self) -> NDArray[np.bool_]:
        above = (self.p - self.guess) / (1 - self.guess)
        return (above > BAND.low) & (above < BAND.high)

    def tally(self, n: NDArray[np.int64], rule: StoppingRule) -> Tally:
        right = np.concatenate([np.zeros((len(n), 1), int), self.answers.cumsum(axis=1)], axis=1)
        tally = Tally.of(n, right[np.arange(len(n)), n], self.guess)
        if rule.prior == "empirical":
            a, b = priors_by_kind(["pool"] * len(n), self.tasks, tally.n, tally.successes)
            return replace(tally, a=a, b=b)
        return tally


@dataclass(frozen=True)
class Outcome:
    """What a rule cost, and what it found."""

    cost: float
    rounds: int
    chosen: NDArray[np.bool_]

    def quality(self, pool: Pool) -> tuple[float, float, float]:
        """Recall and precision of the band, and the share of wrong decisions."""
        hit = (self.chosen & pool.truth).sum()
        wrong = (self.chosen != pool.truth).mean()
        return hit / pool.truth.sum(), hit / max(self.chosen.sum(), 1), float(wrong)


def adaptive(pool: Pool, rule: StoppingRule) -> Outcome:
    """Ask as `PassRateJob` does: in rounds of blocks, priors fitted anew before each."""
    n = np.zeros(len(pool.p), int)
    rounds = 0
    while True:
        tally = pool.tally(n, rule)
        open_ = rule.undecided(tally)
        if not open_.any():
            return Outcome(float(n.mean()), rounds, tally.inside(rule.low, rule.high) > 0.5)
        n = n + rule.next_block(n, int(open_.sum())) * open_
        rounds += 1


def fixed(pool: Pool, n: int) -> Outcome:
    """Ask every sample equally often, and take the share of right answers as it is."""
    rate = pool.answers[:, :n].mean(axis=1)
    above = (rate - pool.guess) / (1 - pool.guess)
    return Outcome(n, 1, (above > BAND.low) & (above < BAND.high))


def simulated(count: int, seed: int) -> dict[str, Pool]:
    """Make pools whose pass rates are known."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(len(MIXED_TASKS), size=count)
    shapes = np.array(MIXED_TASKS)[kinds]
    rates = {
        "U-shaped": rng.beta(0.5, 0.5, count),
        "uniform": rng.random(count),
        "hard": rng.beta(0.3, 1.5, count),
        "six tasks": rng.beta(shapes[:, 0], shapes[:, 1]),
    }
    return {
        name: Pool(
            p,
            (rng.random((count, CAP)) < p[:, None]).astype(np.int64),
            [str(kind) for kind in kinds] if name == "six tasks" else ["one"] * count,
            np.zeros(count),
        )
        for name, p in rates.items()
    }


def tiny_pool(folder: Path, count: int, truth: int) -> Pool:
    """Ask the tiny policy `truth` times about demo samples; the first answers are what rules see."""
    from flows import evidence, stages
    from flows.settings import CorpusSettings, PolicySettings, ScoreSettings
    from pipelines.workspace import Workspace

    workspace = Workspace(folder)
    for name in ("digits", "beeps", "sums"):
        stages.ingest(workspace, CorpusSettings(name=name, options={"size": count // 3}))
    everything = ScoreSettings(cap=truth, block=truth, batch=64)
    evidence.score(workspace, PolicySettings(), everything)
    rows = workspace.catalog.rows(
        "select s.task, s.guess_rate, list(g.correct::integer order by g.k) as answers "
        "from graded g join samples s using (sample_id) where g.purpose = 'score' "
        "group by sample_id, s.task, s.guess_rate having count(g.correct) = ? order by sample_id",
        truth,
    )
    answers = np.array([row["answers"] for row in rows])
    guess = np.array([row["guess_rate"] for row in rows])
    return Pool(answers.mean(axis=1), answers, [row["task"] for row in rows], guess)


def compare(name: str, pool: Pool) -> dict[str, float]:
    """Print one pool's table and give the figures worth keeping."""
    print(f"\n{name}: {len(pool.p):,} samples, {pool.truth.mean():.0%} in the band")
    head = f"{'rule':32}{'answers':>9}{'saved':>8}{'rounds':>8}{'recall':>8}{'precision':>11}{'wrong':>8}"
    print(head)
    figures: dict[str, float] = {}
    outcomes = {f"fixed {CAP}": fixed(pool, CAP)}
    outcomes |= {label: adaptive(pool, rule) for label, rule in RULES.items()}
    for label, outcome in outcomes.items():
        recall, precision, wrong = outcome.quality(pool)
        saved = 1 - outcome.cost / CAP
        print(
            f"{label:32}{outcome.cost:9.2f}{saved:8.1%}{outcome.rounds:8}{recall:8.3f}"
            f"{precision:11.3f}{wrong:8.3f}"
        )
        figures[f"{name}, {label}: saved"] = round(saved, 3)
        figures[f"{name}, {label}: wrong"] = round(wrong, 4)
    figures[f"{name}, curtailed: saved"] = curtailed(pool)
    filled = adaptive(pool, BAND.model_copy(update={"fill": 4096}))
    print(
        f"confidence .9 with fill 4,096: {filled.cost:.2f} answers in {filled.rounds} rounds instead "
        f"of {outcomes['confidence .9, Jeffreys'].rounds}"
    )
    return figures


def curtailed(pool: Pool) -> float:
    """Print what stopping at the first mixed block saves of fixed 8, and hold it to be lossless."""
    rule = StoppingRule(goal="mixed", block=4, cap=8)
    n = np.zeros(len(pool.p), int)
    while (open_ := rule.undecided(tally := pool.tally(n, rule))).any():
        n = n + rule.next_block(n) * open_
    all_eight = pool.answers[:, :8].sum(axis=1)
    mixed = (tally.successes > 0) & (tally.successes < tally.n)
    if not (mixed == ((all_eight > 0) & (all_eight < 8))).all():
        raise AssertionError("curtailed asking decided otherwise than all eight answers")
    saved = 1 - n.mean() / 8
    print(f"curtailed, cap 8: {n.mean():.2f} answers, {saved:.1%} saved, decisions identical")
    return round(float(saved), 3)


def main() -> None:
    """Run the simulation, then the tiny policy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 simulated samples, no policy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiny", type=int, default=300, help="samples for the tiny policy")
    options = parser.parse_args()
    library_defaults()
    figures: dict[str, Any] = {}
    for name, pool in simulated(2_000 if options.quick else 20_000, options.seed).items():
        figures |= compare(name, pool)
    if not options.quick:
        figures |= with_the_tiny_policy(options.tiny)
    finish("scoring_budget", figures)


def with_the_tiny_policy(count: int) -> Mapping[str, float]:
    """Hold the rules against 256 real answers a sample."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        pool = tiny_pool(Path(folder), count, TRUTH)
    print(
        f"\nthe tiny policy answered {pool.answers.size:,} times in {time.perf_counter() - started:.0f} s"
    )
    return compare("tiny policy", pool)


if __name__ == "__main__":
    main()
