"""What curation is worth: held-out accuracy after GRPO on the band, a random control, the full pool.

Every seed makes its own corpora, warms up its own tiny policy, scores it, curates and trains. The
arms are compared at equal training rollouts, for small and for large batches; and once more with
the scoring rollouts counted in, where the arms that need no scoring train that much longer.
Intervals are Student's t over seeds (95%); differences are paired by seed.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import finish
from scipy.stats import t as student

from flows import stages
from flows.settings import CorpusSettings, PolicySettings, ScoreSettings
from pipelines.curation.curate import curate
from pipelines.curation.plans import Plan
from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace
from train.config import TrainConfig
from train.launch import train
from train.tiny import build_tiny

GROUP = 8
BATCHES = (4, 16)
"""Prompts per update: few make gradients noisy, which is where wasted groups cost most."""


@dataclass(frozen=True)
class Arm:
    """One training run of one seed."""

    name: str
    prompts: int
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
    scored = stages.score(workspace, who, ScoreSettings(cap=12), seed=seed)
    seconds = time.perf_counter() - started
    order = {"prompts_per_step": max(BATCHES), "seed": seed}
    band = Plan.model_validate(
        {"name": "band", "order": order, "control": {"seed": seed}, "quota": {"seed": seed}}
    )
    everything = Plan.model_validate(
        {
            "name": "full",
            "order": order | {"by": "random"},
            "band": {"low": 0, "high": 1, "guess_correction": False},
            "evidence": {"minimum": 1},
            "control": {"draw": False},
        }
    )
    frozen = curate(workspace, band)
    print(
        f"seed {seed}: {scored.samples} samples scored with {scored.rollouts} rollouts in "
        f"{seconds:.0f} s; {scored.too_hard} too hard, {scored.in_band} in the band, "
        f"{scored.too_easy} too easy; {frozen.samples} kept",
        flush=True,
    )
    curate(workspace, everything)
    tries = workspace.catalog.rows("select sum(n)::integer as n from difficulty")[0]["n"]
    return World(workspace, policy, tries, seconds)


def run_arms(folder: Path, seed: int, rollouts: int, eval_samples: int) -> list[Arm]:
    """Train every arm of one seed."""
    made = world(folder, seed)
    arms = []
    for prompts in BATCHES:
        for name, dataset, extra in (
            ("band", "band", 0),
            ("control", "band-control", 0),
            ("full pool", "full", 0),
            ("full pool, longer", "full", made.scoring),
        ):
            steps = round((rollouts + extra) / (prompts * GROUP))
            config = TrainConfig(
                dataset=dataset,
                policy=made.policy,
                prompts_per_step=prompts,
                num_generations=GROUP,
                max_steps=steps,
                seed=seed,
                eval_samples=eval_samples,
                save_every=10_000,
            )
            result = train(made.workspace, config)
            assert result.before is not None
            assert result.after is not None
            needs_scoring = name == "band"
            arm = Arm(
                name=name,
                prompts=prompts,
                rollouts=steps * prompts * GROUP,
                scoring=made.scoring if needs_scoring else 0,
                before=result.before.accuracy,
                after=result.after.accuracy,
                no_signal=result.zero_advantage_share,
                seconds=_training_seconds(made.workspace, result.run_id)
                + (made.seconds if needs_scoring else 0),
            )
            print(f"seed {seed}: {arm}", flush=True)
            arms.append(arm)
    return arms


def _training_seconds(workspace: Workspace, run_id: str) -> float:
    row = workspace.catalog.rows(
        "select date_diff('millisecond', started_at, ended_at) / 1000 as s from runs where run_id = ?",
        run_id,
    )
    return float(row[0]["s"])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of Student's 95% interval over seeds."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, float("inf")
    spread = statistics.stdev(values) / len(values) ** 0.5
    return mean, float(student.ppf(0.975, len(values) - 1)) * spread


def show(arms: Sequence[Arm]) -> dict[str, object]:
    """Print the arms and their paired differences; give the figures."""
    figures: dict[str, object] = {}
    columns = ("before", "after", "points won", "no signal", "rollouts", "+scoring", "seconds")
    print(f"\n{'trained on':20}{'prompts':>8}" + "".join(f"{c:>16}" for c in columns))
    grouped: dict[tuple[str, int], list[Arm]] = {}
    for arm in arms:
        grouped.setdefault((arm.name, arm.prompts), []).append(arm)
    for (name, prompts), runs in grouped.items():
        mean, half = interval([arm.points for arm in runs])
        print(
            f"{name:20}{prompts:8}"
            f"{statistics.fmean(a.before for a in runs):16.1%}"
            f"{statistics.fmean(a.after for a in runs):16.1%}"
            f"{f'{mean:+.1f} ± {half:.1f}':>16}"
            f"{statistics.fmean(a.no_signal for a in runs):16.0%}"
            f"{statistics.fmean(a.rollouts for a in runs):16,.0f}"
            f"{statistics.fmean(a.rollouts + a.scoring for a in runs):16,.0f}"
            f"{statistics.fmean(a.seconds for a in runs):16.0f}"
        )
        figures[f"{name}, {prompts} prompts: points"] = [round(mean, 2), round(half, 2)]
    print("\npaired differences in held-out points (band minus other)")
    for prompts in BATCHES:
        band = grouped[("band", prompts)]
        for name in ("control", "full pool", "full pool, longer"):
            others = grouped[(name, prompts)]
            gaps = [a.points - b.points for a, b in zip(band, others, strict=True)]
            mean, half = interval(gaps)
            print(f"  {prompts:2} prompts, {name:20} {mean:+.1f} ± {half:.1f}")
            figures[f"band - {name}, {prompts} prompts"] = [round(mean, 2), round(half, 2)]
    return figures


def main() -> None:
    library_defaults()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed and few rollouts")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rollouts", type=int, default=2560, help="for training, in each arm")
    parser.add_argument("--keep", type=Path, help="folder to keep the workspaces in, and go on")
    options = parser.parse_args()
    seeds, rollouts = (1, 512) if options.quick else (options.seeds, options.rollouts)
    root = options.keep or Path(tempfile.mkdtemp())
    arms: list[Arm] = []
    for seed in range(seeds):
        arms += run_arms(root / f"seed-{seed}", seed, rollouts, 100 if options.quick else 400)
    figures = show(arms)
    if options.keep is None:
        shutil.rmtree(root)
    finish("learning", figures)


if __name__ == "__main__":
    main()
