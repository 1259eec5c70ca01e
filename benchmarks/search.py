"""What tree search costs us and what it tells: our own CPU time per rollout and how it grows with
the number of trees; then how well search effort ranks samples, beside plain asking at equal tokens.

The first part has a policy that costs nothing and is never right, so that every tree goes to its
limit. In the second the tiny policy is asked 512 times about demo samples: 256 answers are the
truth, the other 256 are what plain asking sees. Every search is compared with asking until the
first success, with adaptive pass rate and with a fixed number of answers that spend as many
completion tokens as it did. Correlations are Spearman's; intervals (95%) are bootstrapped over samples, each mean over the seeds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import finish, peak_megabytes
from numpy.typing import NDArray
from scipy.stats import spearmanr

from pipelines.catalog.samples import add_samples, load_samples
from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.policies.templates import TEMPLATES
from pipelines.quiet import library_defaults
from pipelines.record.media import MediaFacts
from pipelines.record.sample import Answer, Sample, ask
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.search import SearchJob
from pipelines.scoring.tally import Tally
from pipelines.scoring.tree import Mode, SearchRule
from pipelines.workspace import Workspace

Floats = NDArray[np.float64]
STEPS = 5
"""Of an answer of the policy that costs nothing."""
SEARCHES = {
    "search, first success": SearchRule(),
    "search as published": SearchRule(mode="faithful"),
    "search for values": SearchRule(mode="value", iterations=16),
}
RESAMPLES = 400


class Free:
    """Answers at once, never right, never twice the same; knows what its own time was."""

    name = policy_id = "free"
    kind = "scripted"
    takes = frozenset[str]()
    details: dict[str, str] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.cpu, self.count = 0.0, 0

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, _seed: int
    ) -> list[list[Completion]]:
        started = time.process_time()
        answers = [
            [self._answer(request.prefix, bool(sampling.stop)) for _ in range(request.n)]
            for request in requests
        ]
        self.cpu += time.process_time() - started
        return answers

    def _answer(self, prefix: str, one_step: bool) -> Completion:
        self.count += 1
        left = STEPS - 1 - prefix.count("\n")
        text = f"{self.count}\n" * (min(left, 1) if one_step else left)
        return Completion(text if one_step and left else f"{text}=-1", "stop", 10, 2 * left + 3)


@dataclass(frozen=True)
class Cost:
    """Our own time for one search job."""

    trees: int
    rollouts: int
    milliseconds: float
    """CPU a rollout, without the policy's."""


def own_cost(trees: int, *, mode: Mode = "first-success", slots: int = 0) -> Cost:
    """Search so many samples with the policy that costs nothing, `slots` of them at a time."""
    policy = Free()
    samples = [
        Sample(
            prompt=ask(f"{i}+1"),
            answer=Answer.number(i + 1),
            task="sums/add",
            corpus="sums",
            source_ref=f"train/{i}",
        )
        for i in range(trees)
    ]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        with workspace.catalog.write() as connection:
            add_samples(connection, samples)
        asker = Asker(policy, TEMPLATES["plain"], Sampling(), workspace.media.read)  # type: ignore[arg-type]
        rule = SearchRule(mode=mode, iterations=10)
        job = SearchJob(workspace.catalog, asker, rule, batch=slots or trees)
        started = time.process_time()
        job.run([sample.sample_id for sample in samples])
        own = time.process_time() - started - policy.cpu
        rows = workspace.catalog.rows("select count(*) as n from rollouts where purpose = 'search'")
    return Cost(trees, rows[0]["n"], 1000 * own / rows[0]["n"])


def show_costs(*, quick: bool) -> dict[str, float]:
    """Print what a rollout costs us, and how that grows."""
    own_cost(16)  # imports and caches are not counted
    print(f"{'trees':>8}{'at a time':>11}{'mode':>15}{'rollouts':>10}{'own CPU ms a rollout':>22}")
    sizes = (64, 256, 1024) if quick else (64, 256, 1024, 4096)
    figures: dict[str, float] = {}

    def show(cost: Cost, slots: int, mode: str) -> float:
        print(f"{cost.trees:8}{slots:11}{mode:>15}{cost.rollouts:10}{cost.milliseconds:22.3f}")
        return round(cost.milliseconds, 3)

    for size in sizes:
        figures[f"ms a rollout, {size} trees"] = show(own_cost(size), size, "first-success")
    show(own_cost(sizes[-1], slots=256), 256, "first-success")
    for mode in ("faithful", "value"):
        figures[f"ms a rollout, 256 trees, {mode}"] = show(own_cost(256, mode=mode), 256, mode)  # type: ignore[arg-type]
    growth = (
        figures[f"ms a rollout, {sizes[-1]} trees"] / figures[f"ms a rollout, {sizes[1]} trees"]
    )
    print(f"a rollout among {sizes[-1]} trees costs {growth:.2f} times one among {sizes[1]}")
    return figures | {"growth": round(growth, 2)}


@dataclass(frozen=True)
class Pool:
    """Samples of known pass rate, with answers that are independent of it."""

    p: Floats
    right: NDArray[np.int64]
    """1 for right; one row a sample, one column an answer."""
    tokens: NDArray[np.int64]

    def shuffled(self, seed: int) -> "Pool":
        """Give the answers of each sample in another order."""
        order = np.random.default_rng(seed).permuted(
            np.tile(np.arange(self.right.shape[1]), (len(self.p), 1)), axis=1
        )
        rows = np.arange(len(self.p))[:, None]
        return Pool(self.p, self.right[rows, order], self.tokens[rows, order])


@dataclass(frozen=True)
class Ranking:
    """What an instrument says of each sample, the easier the higher, and what it spent."""

    easiness: Floats
    tokens: float
    """Completion tokens a sample, on average."""
    asked: float
    """Continuations or answers a sample, on average."""


def spent(pool: Pool, asked: NDArray[np.int64], easiness: Floats) -> Ranking:
    """Say what that many answers of each sample cost."""
    running = np.concatenate([np.zeros((len(pool.p), 1), int), pool.tokens.cumsum(axis=1)], axis=1)
    tokens = running[np.arange(len(pool.p)), asked].mean()
    return Ranking(easiness, float(tokens), float(asked.mean()))


def until_first_success(pool: Pool, cap: int) -> Ranking:
    """Ask until the first right answer, at most `cap` times."""
    hit = pool.right[:, :cap].any(axis=1)
    first = np.where(hit, pool.right[:, :cap].argmax(axis=1) + 1, cap + 1)
    return spent(pool, np.minimum(first, cap), -first.astype(float))


def adaptive(pool: Pool, cap: int) -> Ranking:
    """Ask in blocks until the band is decided, and take the posterior's mean."""
    rule = StoppingRule(cap=cap, block=min(4, cap))
    right = np.concatenate([np.zeros((len(pool.p), 1), int), pool.right.cumsum(axis=1)], axis=1)
    n = np.zeros(len(pool.p), int)
    while True:
        successes = right[np.arange(len(n)), n]
        open_ = rule.undecided(Tally.of(n, successes))
        if not open_.any():
            return spent(pool, n, (successes + 0.5) / (n + 1))
        n = n + rule.next_block(n) * open_


def fixed(pool: Pool, n: int) -> Ranking:
    """Ask every sample equally often."""
    return spent(pool, np.full(len(pool.p), n), pool.right[:, :n].mean(axis=1))


PEERS: dict[str, Callable[[Pool, int], Ranking]] = {
    "asking until the first success": until_first_success,
    "adaptive pass rate": adaptive,
    "a fixed number of answers": fixed,
}


def within(peer: Callable[[Pool, int], Ranking], pool: Pool, tokens: float) -> Ranking:
    """Give the peer the largest cap that spends no more tokens than that."""
    low, high = 1, pool.right.shape[1]
    while low < high:
        middle = (low + high + 1) // 2
        if peer(pool, middle).tokens <= tokens:
            low = middle
        else:
            high = middle - 1
    return peer(pool, low)


def asked_pool(workspace: Workspace, asker: Asker, ids: Sequence[str], truth: int) -> Pool:
    """Ask twice `truth` times: half is the truth, half is what plain asking may see."""
    samples = load_samples(workspace.catalog, ids)
    right, tokens = [], []
    for start in range(0, len(samples), 32):
        for graded in asker.ask(samples[start : start + 32], 2 * truth, seed=start):
            right.append([int(score.correct is True) for _, score in graded])
            tokens.append([completion.completion_tokens for completion, _ in graded])
    answers, lengths = np.array(right), np.array(tokens)
    return Pool(answers[:, :truth].mean(axis=1), answers[:, truth:], lengths[:, truth:])


def searched(asker: Asker, samples: Sequence[Sample], rule: SearchRule, seed: int) -> Ranking:
    """Search the samples in a catalog of their own."""
    ids = [sample.sample_id for sample in samples]
    with tempfile.TemporaryDirectory() as folder:
        catalog = Workspace(Path(folder)).catalog
        with catalog.write() as connection:
            add_samples(connection, samples, _facts(samples))
        SearchJob(catalog, asker, rule, seed).run(ids)
        effort = {row["sample_id"]: row for row in catalog.rows("from searches")}
        values = catalog.rows("select sample_id, value from step_values where depth = 0")
    rows = [effort[key] for key in ids]
    value = {row["sample_id"]: row["value"] for row in values}
    easiness = [
        value[row["sample_id"]]
        if rule.mode == "value"
        else -float(row["first_success"] or rule.iterations + 1)
        for row in rows
    ]
    return Ranking(
        np.array(easiness),
        float(np.mean([row["completion_tokens"] for row in rows])),
        float(np.mean([row["model_calls"] for row in rows])),
    )


def _facts(samples: Sequence[Sample]) -> list[MediaFacts]:
    """Name the media; their bytes are where they were."""
    media = {medium.media_id: medium for sample in samples for medium in sample.media}
    return [MediaFacts(key, medium.kind, 0, "") for key, medium in media.items()]


def tiny_world(folder: Path, count: int, steps: int | None) -> tuple[Workspace, Asker, list[str]]:
    """Build the tiny policy and pick demo samples, equally many of each task."""
    from flows import stages
    from flows.settings import CorpusSettings
    from pipelines.policies.checkpoint import CheckpointPolicy
    from train.tiny import build_tiny

    workspace = Workspace(folder)
    for name in ("digits", "beeps", "sums"):
        stages.ingest(workspace, CorpusSettings(name=name, options={"size": 3 * count}))
    options = {} if steps is None else {"steps": steps}
    policy = CheckpointPolicy(build_tiny(workspace.policies / "tiny", **options))
    asker = Asker(policy, TEMPLATES["plain"], Sampling(), workspace.media.read)
    rows = workspace.catalog.rows(
        "select sample_id from (select sample_id, row_number() over (partition by task "
        "order by sample_id) as place from candidates where split = 'train') "
        "order by place, sample_id limit ?",
        count,
    )
    return workspace, asker, sorted(row["sample_id"] for row in rows)


def correlation(easiness: Floats, p: Floats) -> float:
    return float(spearmanr(easiness, p).statistic)


def interval(
    rankings: Sequence[Ranking], p: Floats, other: Sequence[Ranking] = ()
) -> tuple[float, float, float]:
    """Mean correlation over the seeds (less that of another), with its bootstrapped interval."""

    def mean(rows: NDArray[np.int64]) -> float:
        ours = np.mean([correlation(r.easiness[rows], p[rows]) for r in rankings])
        theirs = [correlation(r.easiness[rows], p[rows]) for r in other]
        return float(ours - (np.mean(theirs) if theirs else 0))

    rng = np.random.default_rng(0)
    drawn = [mean(rng.integers(len(p), size=len(p))) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return mean(np.arange(len(p))), float(low), float(high)


def show_rankings(options: argparse.Namespace, *, quick: bool) -> dict[str, object]:
    """Search the tiny policy's answers, and print how well each instrument ranks the samples."""
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        count, truth = (24, 32) if quick else (options.samples, 256)
        workspace, asker, ids = tiny_world(Path(folder), count, 30 if quick else None)
        pool = asked_pool(workspace, asker, ids, truth)
        samples = load_samples(workspace.catalog, ids)
        mixed = (pool.p > 0.1) & (pool.p < 0.9)
        print(
            f"\n{len(ids)} samples, {mixed.mean():.0%} with .1 < p < .9, {(pool.p == 0).mean():.0%} "
            f"never right in {truth} answers; {pool.tokens.mean():.1f} tokens an answer"
        )
        print(
            f"{'instrument':34}{'tokens':>8}{'asked':>7}{'rank correlation':>26}{'search - it':>26}"
        )
        seeds = range(1 if quick else options.seeds)
        pools = [pool.shuffled(seed) for seed in seeds]
        for name, rule in SEARCHES.items():
            ours = [searched(asker, samples, rule, seed) for seed in seeds]
            figures[name] = show_ranking(name, ours, pool.p)
            for peer, instrument in PEERS.items():
                theirs = [
                    within(instrument, mine, one.tokens)
                    for mine, one in zip(pools, ours, strict=True)
                ]
                figures[f"{name}: {peer}"] = show_ranking(f"  {peer}", theirs, pool.p, ours)
    return figures


def show_ranking(
    name: str, rankings: Sequence[Ranking], p: Floats, search: Sequence[Ranking] = ()
) -> list[float]:
    """Print one line, and give its correlation with the interval."""
    found = interval(rankings, p)
    tokens, asked = (np.mean([getattr(r, what) for r in rankings]) for what in ("tokens", "asked"))
    line = f"{name:34}{tokens:8.0f}{asked:7.1f}{_words(found):>26}"
    print(line + (f"{_words(interval(search, p, rankings)):>26}" if search else ""), flush=True)
    return [round(number, 3) for number in found]


def _words(found: tuple[float, float, float]) -> str:
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*found)


def main() -> None:
    library_defaults()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer trees, a hardly taught policy")
    parser.add_argument("--samples", type=int, default=180)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, object] = dict(show_costs(quick=options.quick))
    figures |= show_rankings(options, quick=options.quick)
    print(f"peak memory of the whole run: {peak_megabytes():.0f} MB")
    finish("search", figures)


if __name__ == "__main__":
    main()
