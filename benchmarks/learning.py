"""What curation is worth: held-out accuracy against training rollouts, all rollouts and wall clock.

Seven ways to choose what a tiny policy is trained on with GRPO, over pools of which a fifth, a
half and four fifths are out of its reach, in small and in large batches, for five seeds. Each
seed makes its own pictures, warms up its own policy, scores and searches the pool. Accuracy is
sampled on held-out questions in reach. Intervals are Student's t over seeds (95%); differences
are paired by seed.

Every run is written to benchmarks/results/learning.jsonl when it ends, and a run that stands
there is not made again. When all are there, the tables and the plot go into docs/results.md.
`--quick` makes one run anew and compares it with what stands there.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as many workers as cores, one thread each

from learning_worlds import HELD_OUT, Stopwatch, World, searched, world
from measuring import finish

RESULTS = Path(__file__).parent / "results" / "learning.jsonl"
GROUP = 8
ROLLOUTS = 1600
"""Training rollouts of a run."""
POINTS = 2
"""Measurements of a run after its start."""
BATCHES = {"small": 4, "large": 16}
"""Prompts behind an update: few make gradients noisy, which is where wasted groups cost most."""
LEARNING_RATE = 1e-4

SEARCH = "by search"
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "full pool": ("full-{pool}", {}),
    "random control": ("band-{pool}-control", {}),
    "band": ("band-{pool}", {}),
    SEARCH: ("search-{pool}", {}),
    "band, easy to hard": ("ladder-{pool}", {}),
    "band, noisy rollouts": ("band-{pool}", {"noisy": {}}),
    "band, replay": ("band-{pool}", {"replay": {}}),
}
"""Each arm's dataset, and what training does with it."""
CORE = ("full pool", "random control", "band")


class Cell(NamedTuple):
    """One run."""

    seed: int
    pool: str
    batch: str
    arm: str


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    seed: int
    pool: str
    batch: str
    arm: str
    samples: int
    """In its dataset."""
    rollouts: list[int]
    """Training rollouts behind each measurement; the first is 0."""
    held_out: list[float]
    noisy: list[float]
    no_signal: float
    """Share of groups that taught nothing."""
    scoring: int
    """Rollouts that choosing the dataset took."""
    scoring_seconds: float
    seconds: float
    """Of training."""

    @property
    def cell(self) -> Cell:
        return Cell(self.seed, self.pool, self.batch, self.arm)


def cells(seeds: int) -> Iterator[Cell]:
    """All runs, those first that say most: all ways to choose in one setting, then whether the band
    helps in the other settings, then the rest; those that need a search, which takes longest, last.
    """
    asked = [arm for arm in ARMS if arm != SEARCH]
    first = [("middle", "small")]
    others = [("large", "small"), ("small", "small"), ("middle", "large")]
    last = [("large", "large"), ("small", "large")]
    rounds = [(first, asked), (others, CORE), (others, asked), (last, asked)]
    rounds.append((first + others + last, [SEARCH]))
    known: set[Cell] = set()
    for settings, named in rounds:
        for pool, batch in settings:
            for seed in range(seeds):
                for arm in named:
                    cell = Cell(seed, pool, batch, arm)
                    if cell not in known:
                        known.add(cell)
                        yield cell


def run(cell: Cell, root: Path) -> Outcome:
    """Make one run in its seed's world."""
    from train.config import TrainConfig
    from train.evaluation.curves import curve
    from train.launch import train

    made = world(root / f"seed-{cell.seed}", cell.seed)
    if cell.arm == SEARCH:
        made = searched(made, cell.seed)
    dataset, method = ARMS[cell.arm]
    steps = ROLLOUTS // (GROUP * BATCHES[cell.batch])
    config = TrainConfig.model_validate(
        {
            "dataset": dataset.format(pool=cell.pool),
            "policy": made.policy,
            "prompts_per_step": BATCHES[cell.batch],
            "num_generations": GROUP,
            "max_steps": steps,
            "learning_rate": LEARNING_RATE,
            "seed": cell.seed,
            "save_every": 10_000,
            "eval_samples": 250,
            "eval_answers": 2,
            "eval_where": HELD_OUT,
            # The full pool's many groups without signal would stop a run that is to be compared.
            "signals": {"on": False},
            "evaluation": {"sets": ["held-out", "noisy"], "every": max(1, steps // POINTS)},
            **method,
        }
    )
    watch = Stopwatch()
    result = train(made.workspace, config)
    watch.stop()
    known = curve(made.workspace.catalog, result.run_id)
    points = known.measured["held-out"]
    spent, seconds = scoring_of(made, cell)
    rows = made.workspace.catalog.rows(
        "select n_rows from datasets where dataset = ? order by version desc", config.dataset
    )
    return Outcome(
        *cell,
        samples=rows[0]["n_rows"],
        rollouts=[point.rollouts for point in points],
        held_out=[point.evaluation.accuracy for point in points],
        noisy=[point.evaluation.accuracy for point in known.measured["noisy"]],
        no_signal=result.zero_advantage_share,
        scoring=spent,
        scoring_seconds=seconds,
        seconds=known.steps[-1].seconds * watch.own_share,
    )


def scoring_of(made: World, cell: Cell) -> tuple[int, float]:
    """What choosing cost: nothing for the full pool and the control."""
    if cell.arm in ("full pool", "random control"):
        return 0, 0.0
    table, seconds = made.scoring, made.scoring_seconds
    if cell.arm == SEARCH:
        table, seconds = made.searching, made.searching_seconds
    # All pools of a seed are scored at once: each takes its share of the time by its answers.
    whole = max(1, sum(table.values()))
    return table[cell.pool], seconds * table[cell.pool] / whole


def known_outcomes() -> dict[Cell, Outcome]:
    """The runs that stand in the file."""
    if not RESULTS.is_file():
        return {}
    outcomes = [Outcome(**json.loads(line)) for line in RESULTS.read_text().splitlines()]
    return {outcome.cell: outcome for outcome in outcomes}


def make_all(wanted: list[Cell], root: Path, jobs: int) -> None:
    """Make the runs that are missing, and write each down when it ends."""
    RESULTS.parent.mkdir(exist_ok=True)
    # The worlds first: several runs in one would wait for its policy.
    seeds = sorted({cell.seed for cell in wanted})
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(world, root / f"seed-{s}", s) for s in seeds]):
            print(f"world made: {Path(done.result().root).name}", flush=True)
        began = time.perf_counter()
        # Each run by itself, but one worker for the searches of a seed: it has one catalog.
        work = [[cell] for cell in wanted if cell.arm != SEARCH]
        work += [[c for c in wanted if c.arm == SEARCH and c.seed == seed] for seed in seeds]
        futures = [pool.submit(runs, found, root) for found in work if found]
        number = 0
        for done in as_completed(futures):
            for outcome in done.result():
                number += 1
                with RESULTS.open("a") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
                left = (time.perf_counter() - began) / number * (len(wanted) - number)
                print(
                    f"{number}/{len(wanted)} {outcome.cell}: {outcome.held_out[0]:.3f} -> "
                    f"{outcome.held_out[-1]:.3f}, {left / 60:.0f} min left",
                    flush=True,
                )


def runs(cells: list[Cell], root: Path) -> list[Outcome]:
    """Make runs one after another."""
    return [run(cell, root) for cell in cells]


def again(root: Path, known: dict[Cell, Outcome]) -> None:
    """Make one run anew and hold it against what stands in the file."""
    cell = next(iter(known), Cell(0, "middle", "small", "band"))
    outcome = run(cell, root)
    print(f"{cell}\nnow:  {[round(a, 3) for a in outcome.held_out]}")
    if cell in known:
        before = known[cell]
        print(f"then: {[round(a, 3) for a in before.held_out]}")
        # Another processor rounds otherwise and draws other answers: the policy starts the same,
        # and must come out alike.
        assert abs(outcome.held_out[-1] - before.held_out[-1]) < 0.1, "the run came out otherwise"
    finish("learning", {"held-out": outcome.held_out[-1]})


def main() -> None:
    from pipelines.quiet import library_defaults

    library_defaults()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="make one run anew and compare")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="folder to keep the worlds in, and go on")
    parser.add_argument("--report", action="store_true", help="only write what is known down")
    options = parser.parse_args()
    known = known_outcomes()
    root = options.keep or Path(tempfile.mkdtemp())
    if options.quick:
        again(root, known)
        return
    if not options.report:
        wanted = [cell for cell in cells(options.seeds) if cell not in known]
        make_all(wanted, root, options.jobs)
    from learning_report import write

    finish("learning", write([*known_outcomes().values()]))


if __name__ == "__main__":
    main()
