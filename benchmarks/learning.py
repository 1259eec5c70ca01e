"""What curation is worth: held-out accuracy after GRPO on the band, a random control, the full pool.

Every seed makes its own corpora, warms up its own tiny policy, scores it, curates and trains. The
arms are compared at equal training rollouts, few and many, in small and in large batches; and
once more with the scoring rollouts counted in: the full pool, which needs no scoring, then trains
that much longer. Accuracy is sampled on held-out questions. Intervals are Student's t over seeds (95%); differences are paired by seed.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from measuring import finish
from scipy.stats import t as student

from flows import evidence, stages
from flows.settings import CorpusSettings, PolicySettings, ScoreSettings
from pipelines.curation.curate import curate
from pipelines.curation.plans import Plan
from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace
from train.config import TrainConfig
from train.launch import train
from train.tiny import build_tiny

GROUP = 8
FEW, MANY = 1280, 3200
"""Training rollouts of an arm."""
SMALL, LARGE = 4, 16
"""Prompts per update: few make gradients noisy, which is where wasted groups cost most."""


class Setting(NamedTuple):
    """What arms are compared at: prompts per update, and training rollouts."""

    prompts: int
    rollouts: int


ARMS = {
    "band": "band",
    "band, easy to hard": "ladder",
    "control": "band-control",
    "full pool": "full",
}
"""The arms and their datasets."""
LONGER = "full pool, longer"


@dataclass(frozen=True)
class Arm:
    """One training run of one seed."""

    name: str
    setting: Setting
    rollouts: int
    """Spent on training."""
    scoring: int
    """Spent on scoring, which only the band needs."""
    before: float
    after: float
    no_signal: float
    seconds: float
    """Of training, and for the band of scoring too."""

    @property
    def points(self) -> float:
        return 100 * (self.after - self.before)


@dataclass(frozen=True)
class World:
    """One seed's workspace, with its pool scored and its datasets frozen."""

    workspace: Workspace
    policy: str
    scoring: int
    """Rollouts that scoring took."""
    seconds: float


def world(folder: Path, seed: int) -> World:
    """Make one seed's pool, score it, and freeze the band (with its control) and the full pool."""
    workspace = Workspace(folder)
    for name in ("digits", "beeps", "sums"):
        stages.ingest(workspace, CorpusSettings(name=name, options={"seed": seed}))
    started = time.perf_counter()
    policy = str(build_tiny(workspace.policies / f"tiny-{seed}", seed=seed))
    print(f"seed {seed}: warmed up in {time.perf_counter() - started:.0f} s", flush=True)
    started = time.perf_counter()
    who = PolicySettings(source=policy)
    scored = evidence.score(workspace, who, ScoreSettings(cap=12), seed=seed)
    seconds = time.perf_counter() - started
    order = {"by": "random", "prompts_per_step": LARGE, "seed": seed}
    easy_first = {"by": "easy-to-hard", "prompts_per_step": LARGE}
    no_control = {"control": {"draw": False}}
    band = Plan.model_validate({"name": "band", "order": order, "control": {"seed": seed}})
    # Small enough that MANY rollouts see the whole of its order, hardest questions included.
    size = {"size": MANY // GROUP - 2 * LARGE, "seed": seed}
    ladder = {"name": "ladder", "order": easy_first, "quota": size} | no_control
    everything = {
        "name": "full",
        "order": order,
        "band": {"low": 0, "high": 1, "guess_correction": False, "unsolved_share": 0.99},
        "gates": {"unsolved_by_all_share": 0.99, "unsolved_by_all_tries": 1},
        "evidence": {"minimum": 1},
    } | no_control
    frozen = curate(workspace, band)
    print(
        f"seed {seed}: {scored.samples} samples scored with {scored.rollouts} rollouts in "
        f"{seconds:.0f} s; {scored.too_hard} too hard, {scored.in_band} in the band, "
        f"{scored.too_easy} too easy; {frozen.samples} kept",
        flush=True,
    )
    for plan in (ladder, everything):
        done = curate(workspace, Plan.model_validate(plan))
        print(f"seed {seed}: {done.label} has {done.samples} samples", flush=True)
    tries = workspace.catalog.rows("select sum(n)::integer as n from difficulty")[0]["n"]
    return World(workspace, policy, tries, seconds)


def run_arms(folder: Path, seed: int, eval_samples: int, *, quick: bool) -> list[Arm]:
    """Train every arm of one seed."""
    made = world(folder, seed)
    few, many, large = Setting(SMALL, FEW), Setting(SMALL, MANY), Setting(LARGE, MANY)
    wanted = [(name, few) for name in ("band", "control", "full pool")]
    wanted += [(name, many) for name in (*ARMS, LONGER)]
    wanted += [(name, large) for name in ("band", "control")]
    if quick:
        wanted = wanted[:1]
    return [run_arm(made, name, setting, seed, eval_samples) for name, setting in wanted]


def run_arm(made: World, name: str, setting: Setting, seed: int, eval_samples: int) -> Arm:
    """Train one arm, and measure it before and after."""
    rollouts = setting.rollouts + (made.scoring if name == LONGER else 0)
    config = TrainConfig(
        dataset=ARMS.get(name, "full"),
        policy=made.policy,
        prompts_per_step=setting.prompts,
        num_generations=GROUP,
        max_steps=round(rollouts / (setting.prompts * GROUP)),
        seed=seed,
        eval_samples=eval_samples,
        save_every=10_000,
    )
    result = train(made.workspace, config)
    assert result.before is not None
    assert result.after is not None
    scored = name.startswith("band")
    arm = Arm(
        name=name,
        setting=setting,
        rollouts=result.steps * setting.prompts * GROUP,
        scoring=made.scoring if scored else 0,
        before=result.before.accuracy,
        after=result.after.accuracy,
        no_signal=result.zero_advantage_share,
        seconds=_training_seconds(made.workspace, result.run_id) + (made.seconds if scored else 0),
    )
    print(f"seed {seed}: {arm}", flush=True)
    return arm


def _training_seconds(workspace: Workspace, run_id: str) -> float:
    row = workspace.catalog.rows(
        "select date_diff('millisecond', started_at, ended_at) / 1000 as s from runs where run_id = ?",
        run_id,
    )
    return float(row[0]["s"])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of Student's 95% interval over seeds."""
    mean = fmean(values)
    if len(values) < 2:
        return mean, float("inf")
    spread = stdev(values) / len(values) ** 0.5
    return mean, float(student.ppf(0.975, len(values) - 1)) * spread


def show(arms: Sequence[Arm]) -> dict[str, object]:
    """Print the arms and their paired differences; give the figures."""
    grouped: dict[tuple[Setting, str], list[Arm]] = {}
    for arm in arms:
        grouped.setdefault((arm.setting, arm.name), []).append(arm)
    figures: dict[str, object] = {}
    columns = ("before", "after", "points won", "no signal", "rollouts", "with scoring", "seconds")
    print(f"\n{'trained on':20}{'prompts':>8}" + "".join(f"{c:>14}" for c in columns))
    for (setting, name), runs in grouped.items():
        mean, half = interval([arm.points for arm in runs])
        print(
            f"{name:20}{setting.prompts:8}"
            f"{fmean(a.before for a in runs):14.1%}{fmean(a.after for a in runs):14.1%}"
            f"{f'{mean:+.1f} ± {half:.1f}':>14}{fmean(a.no_signal for a in runs):14.0%}"
            f"{fmean(a.rollouts for a in runs):14,.0f}"
            f"{fmean(a.rollouts + a.scoring for a in runs):14,.0f}"
            f"{fmean(a.seconds for a in runs):14.0f}"
        )
        figures[f"{name}, {_words(setting)}"] = [round(mean, 2), round(half, 2)]
    print("\nband minus other, in held-out points, paired by seed")
    for (setting, name), runs in grouped.items():
        band = grouped[(setting, "band")]
        if runs is band:
            continue
        mean, half = interval([a.points - b.points for a, b in zip(band, runs, strict=True)])
        print(f"  {_words(setting)}: {name:20} {mean:+.1f} ± {half:.1f}")
        figures[f"band - {name}, {_words(setting)}"] = [round(mean, 2), round(half, 2)]
    return figures


def _words(setting: Setting) -> str:
    return f"{setting.rollouts} rollouts in batches of {setting.prompts}"


def main() -> None:
    library_defaults()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, one arm")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder to keep the workspaces in, and go on")
    options = parser.parse_args()
    seeds = 1 if options.quick else options.seeds
    root = options.keep or Path(tempfile.mkdtemp())
    arms: list[Arm] = []
    for seed in range(seeds):
        folder = root / f"seed-{seed}"
        arms += run_arms(folder, seed, 100 if options.quick else 400, quick=options.quick)
    figures = show(arms)
    if options.keep is None:
        shutil.rmtree(root)
    finish("learning", figures)


if __name__ == "__main__":
    main()
