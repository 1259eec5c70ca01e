"""Our own CPU time in a training step, beside TRL's trainer on the same data and seed.

Both trainers take the same steps of 16 questions x 8 answers with the tiny policy. Ours also
keeps the curated order, tells the catalog every rollout (two million are stored there already)
and watches for failure signatures. What that costs is measured twice: by timers around our own
code, and as the difference in CPU time of the whole runs, which is noisier. With everything off
both give the same losses, or the benchmark fails.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from measuring import finish, peak_megabytes
from trl.trainer.grpo_trainer import GRPOTrainer

from pipelines.corpora.digits import digits
from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.quiet import library_defaults
from pipelines.workspace import Workspace, silent
from train.build import build_trainer
from train.checkpoints import Mark
from train.config import TrainConfig
from train.data import CuratedRows, Row
from train.processes import Processes
from train.rewards import TrainingReward
from train.sampler import CuratedSampler
from train.signals.watch import Watch
from train.telemetry import Asked, Telemetry
from train.tiny import tiny_policy
from train.trainer import CuratedTrainer
from train.watcher import Watcher

PROMPTS, GROUP = 16, 8
STORED = 2_000_000

_FILL = """
insert into rollouts by name
select md5(i::varchar) as rollout_id, 'unit' || (i // 128) as unit_id, 1 as attempt,
    'sample' || (i % 20000) as sample_id, 'policy' as policy_id, 'template' as template_id,
    'sampling' as sampling_id, 'score' as purpose, 'earlier' as origin, 0 as round, i % 128 as k,
    '=12' as completion, 'stop' as finish_reason, 20 as prompt_tokens, 4 as completion_tokens,
    timestamp '2026-01-01' + to_seconds(i) as created_at
from range({n}) t(i);
insert into grades by name
select md5(i::varchar) as rollout_id, 'unit' || (i // 128) as unit_id, 1 as attempt,
    'number@2' as reward_id, (i % 2)::double as value, i % 2 = 0 as correct, '' as reason
from range({n}) t(i);
"""


class Stock(GRPOTrainer):
    """TRL's own; only its draws are seeded step by step, as ours are."""

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        torch.manual_seed(self.state.global_step + 1)
        return super()._generate_and_score_completions(inputs)


class Stopwatch:
    """CPU time of this process inside some functions, without what they call of the others."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inside = False

    def on(self, owner: Any, *names: str) -> None:
        for name in names:
            label = f"{owner.__name__}.{name}"
            setattr(owner, name, self._timed(label, getattr(owner, name)))

    def _timed(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return function(*args, **kwargs)
            self._inside = True
            began = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[label] += time.process_time() - began
                self._inside = False

        return timed


def rows_of(policy: CheckpointPolicy, count: int) -> CuratedRows:
    """Questions about handwritten digits, as a frozen dataset would give them."""
    samples = [s for s in digits(size=4 * count, held_out=0) if len(s.steps) < 4][:count]
    held = {medium.media_id: medium for sample in samples for medium in sample.media}
    return CuratedRows(
        [Row(i, 0, sample) for i, sample in enumerate(samples)],
        lambda media_id: held[media_id].read(),
        TEMPLATES["plain"],
        policy.takes,
    )


def ours(
    workspace: Workspace, policy: CheckpointPolicy, rows: CuratedRows, config: TrainConfig
) -> tuple[CuratedTrainer, Telemetry]:
    """Make our trainer as `curricle train` does, with telemetry and signals."""
    asked = Asked(
        run_id="run",
        policy_id=policy.policy_id,
        template_id=TEMPLATES["plain"].template_id,
        sampling=config.sampling,
        seed=0,
        group=GROUP,
    )
    telemetry = Telemetry(workspace.catalog, asked, workspace.root / "parts")
    trainer = build_trainer(
        config,
        policy.folder,
        policy.processor,
        rows,
        folder=workspace.root / "run",
        seed_of=lambda step: step,
        tell=telemetry.tell,
    )
    telemetry.start(config.max_steps, done=0)
    watcher = Watcher(
        processes=Processes(),
        telemetry=telemetry,
        watch=Watch(config.signals, config.max_steps),
        mark_of=lambda step: Mark("run", step, "", trainer.order.state_dict()),
        switch=print,
        progress=silent,
    )
    trainer.add_callback(watcher)
    return trainer, telemetry


def losses(trainer: GRPOTrainer) -> list[float]:
    return [log["loss"] for log in trainer.state.log_history if "loss" in log]


def main() -> None:
    library_defaults()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps, few stored rollouts")
    options = parser.parse_args()
    steps, stored = (6, 50_000) if options.quick else (40, STORED)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        policy = CheckpointPolicy(tiny_policy(workspace, silent))
        with workspace.catalog.write() as connection:
            connection.execute(_FILL.format(n=stored))
        rows = rows_of(policy, PROMPTS * 8)
        config = TrainConfig(
            dataset="digits",
            prompts_per_step=PROMPTS,
            num_generations=GROUP,
            max_steps=steps,
            save_every=10_000,
        )
        watch = Stopwatch()
        watch.on(CuratedTrainer, "_answered", "_group", "_views", "_finished", "_tell")
        watch.on(CuratedSampler, "_batch", "consume", "observe")
        watch.on(Telemetry, "facts", "step_done", "burst")
        watch.on(Watch, "observe")
        trainer, telemetry = ours(workspace, policy, rows, config)
        began = time.process_time()
        trainer.train()
        telemetry.burst()
        our_cpu = time.process_time() - began
        stock = Stock(
            model=str(policy.folder),
            reward_funcs=[TrainingReward()],
            train_dataset=rows.dataset(),
            args=trainer.args,
            processing_class=policy.processor,
        )
        began = time.process_time()
        stock.train()
        stock_cpu = time.process_time() - began
        told = workspace.catalog.rows("select count(*) as n from rollouts where purpose = 'train'")
        assert told[0]["n"] == steps * PROMPTS * GROUP, told
    apart = max(abs(a - b) for a, b in zip(losses(trainer), losses(stock), strict=True))
    assert apart < 1e-6, f"the losses are {apart} apart"
    own = sum(watch.seconds.values()) / steps
    print(f"{steps} steps of {PROMPTS * GROUP} completions, {stored:,} rollouts stored before")
    for label, seconds in watch.seconds.most_common():
        print(f"  {label:28}{1000 * seconds / steps:8.2f} ms a step")
    print(f"our own CPU time: {1000 * own:.1f} ms a step (goal: under 20)")
    print(f"whole runs: ours {our_cpu / steps:.3f} s CPU a step, TRL's {stock_cpu / steps:.3f} s")
    print(f"largest difference of losses: {apart:.1e}")
    print(f"peak memory: {peak_megabytes():.0f} MB")
    figures = {
        "own ms a step": round(1000 * own, 2),
        "ours/TRL": round(our_cpu / stock_cpu, 3),
        "own/TRL": round(own / (stock_cpu / steps), 4),
    }
    finish("trainer_overhead", figures)


if __name__ == "__main__":
    main()
