"""The worlds of `learning.py`: for each seed a policy, a pool that it was scored and searched on,
and datasets frozen from three parts of that pool.

A question is *in reach* when it has at most four digits, and *out of reach* from five on, where the
policy never gets it right. Three pools of about a thousand take more and more of the latter.
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import measuring  # noqa: F401 - puts the benchmarks' flows.py behind the package

from flows import evidence, stages
from flows.settings import CorpusSettings, PolicySettings, ScoreSettings, SearchSettings
from pipelines.curation.curate import curate
from pipelines.curation.plans import Plan
from pipelines.workspace import Workspace
from train.tiny import build_tiny

POOLS = {"small": ("cc", "33"), "middle": ("80", "80"), "large": ("33", "cc")}
"""By the share that is out of reach: what the hash of a sample must lie below to be in the pool,
in reach and out of reach. A fifth, a half and four fifths of a thousand."""
IN_REACH = "n_steps < 5"
HELD_OUT = f"corpus = 'digits' and {IN_REACH}"
"""Accuracy is measured on questions in reach: the others are wrong before and after."""
CAP = 12
"""Answers that scoring gives a sample at most."""
LARGEST_STEP = 16
"""Prompts of the largest batch that is trained with."""


@dataclass(frozen=True)
class World:
    """One seed's workspace, with its pool scored and searched and its datasets frozen."""

    root: str
    policy: str
    scoring: dict[str, int]
    """Rollouts that scoring took, by pool."""
    searching: dict[str, int]
    """Steps that the search sampled, by pool."""
    scoring_seconds: float
    """For all pools together."""
    searching_seconds: float

    @property
    def workspace(self) -> Workspace:
        return Workspace(Path(self.root))


class Stopwatch:
    """Time as it would be on a free core: what other work on the machine took is left out.

    Each run is one process of one thread, so its processor time is that.
    """

    def __init__(self) -> None:
        self._wall, self._own = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """Stop, before something else is measured."""
        self._wall = time.perf_counter() - self._wall
        self._own = time.process_time() - self._own

    @property
    def own_seconds(self) -> float:
        """Processor seconds of this process."""
        return self._own

    @property
    def own_share(self) -> float:
        """Share of the time that this process really ran."""
        return min(1.0, self._own / self._wall)


def world(root: Path, seed: int) -> World:
    """Make one seed's world, or find it made; without what only the search decides."""
    made = root / "world.json"
    if made.is_file():
        return World(**json.loads(made.read_text()) | {"root": str(root)})
    workspace = Workspace(root)
    options = {"seed": seed, "size": 2400, "held_out": 600}
    stages.ingest(workspace, CorpusSettings(name="digits", options=options))
    policy = str(build_tiny(workspace.policies / f"tiny-{seed}", seed=seed))
    who = PolicySettings(source=policy)
    watch = Stopwatch()
    evidence.score(workspace, who, ScoreSettings(where=WANTED, cap=CAP), seed=seed)
    watch.stop()
    for pool in POOLS:
        for plan in plans(pool, seed):
            curate(workspace, Plan.model_validate(plan))
    found = World(
        root=str(root),
        policy=policy,
        scoring={pool: _spent(workspace, pool, "score") for pool in POOLS},
        searching={},
        scoring_seconds=watch.own_seconds,
        searching_seconds=0.0,
    )
    return _kept(found)


def searched(made: World, seed: int) -> World:
    """Search a world's pool, unless that was done, and freeze what the search chooses."""
    if made.searching:
        return made
    watch = Stopwatch()
    settings = SearchSettings(where=WANTED)
    evidence.search(made.workspace, PolicySettings(source=made.policy), settings, seed=seed)
    watch.stop()
    for pool in POOLS:
        curate(made.workspace, Plan.model_validate(plan_by_search(pool, seed)))
    spent = {pool: _spent(made.workspace, pool, "search") for pool in POOLS}
    return _kept(replace(made, searching=spent, searching_seconds=watch.own_seconds))


def _kept(made: World) -> World:
    (Path(made.root) / "world.json").write_text(json.dumps(asdict(made), indent=1))
    return made


def in_pool(pool: str) -> str:
    """The condition on `candidates` that a pool is."""
    near, far = POOLS[pool]
    return (
        f"(({IN_REACH} and md5(sample_id) < '{near}') or "
        f"(not ({IN_REACH}) and md5(sample_id) < '{far}'))"
    )


WANTED = "split = 'train' and (" + " or ".join(map(in_pool, POOLS)) + ")"
"""All pools together: they overlap."""


def plans(pool: str, seed: int) -> list[dict[str, object]]:
    """The datasets of a pool: the band with its control, the same easy to hard, and all of it."""
    where = in_pool(pool)
    easy_first = {"by": "easy-to-hard", "prompts_per_step": LARGEST_STEP}
    no_control = {"control": {"draw": False}}
    return [
        {"name": f"band-{pool}", "where": where, "order": _at_random(seed)}
        | {"control": {"seed": seed}},
        {"name": f"ladder-{pool}", "where": where, "order": easy_first} | no_control,
        {"name": f"full-{pool}", "where": where} | _everything(seed),
    ]


def plan_by_search(pool: str, seed: int) -> dict[str, object]:
    """ThinkLite-VL's rule (arXiv 2504.07934): more than five iterations, or never solved."""
    hard = (
        "sample_id in (select sample_id from search_effort where first_success > 5 or not solved)"
    )
    return {"name": f"search-{pool}", "where": f"{in_pool(pool)} and {hard}"} | _everything(seed)


def _at_random(seed: int) -> dict[str, object]:
    return {"by": "random", "prompts_per_step": LARGEST_STEP, "seed": seed}


def _everything(seed: int) -> dict[str, object]:
    """Take all that satisfies the condition, the never solved too."""
    return {
        "order": _at_random(seed),
        "band": {"low": 0, "high": 1, "guess_correction": False, "unsolved_share": 0.999},
        "gates": {"unsolved_by_all_share": 0.999, "unsolved_by_all_tries": 1},
        "evidence": {"minimum": 1},
        "control": {"draw": False},
    }


def _spent(workspace: Workspace, pool: str, purpose: str) -> int:
    count = (
        "select count(*)::integer as n from rollout_status r join candidates c using (sample_id) "
        if purpose == "score"
        else "select coalesce(sum(s.model_calls), 0)::integer as n from searches s "
        "join candidates c using (sample_id) "
    )
    only = " and purpose = 'score'" if purpose == "score" else ""
    return int(workspace.catalog.rows(f"{count} where {in_pool(pool)}{only}")[0]["n"])
