"""`curricle train`: GRPO on a dataset version, in exactly its order."""

from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, show
from train.curricula.settings import Source


def train(
    dataset: str,
    /,
    *,
    policy: str | None = None,
    template: str | None = None,
    max_steps: int | None = None,
    passes: int | None = None,
    prompts_per_step: int | None = None,
    num_generations: int | None = None,
    learning_rate: float | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    beta: float | None = None,
    order: Source | None = None,
    refill: Annotated[bool, Parameter(negative="")] = False,
    replay: Annotated[bool, Parameter(negative="")] = False,
    noisy: Annotated[bool, Parameter(negative="")] = False,
    lora: Annotated[bool, Parameter(negative="")] = False,
    eval_every: int | None = None,
    save_every: int | None = None,
    eval_samples: int | None = None,
    eval_where: str | None = None,
    seed: int | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Train a policy with GRPO on a dataset, and measure it on held-out samples before and after.

    The same command finds a finished run, and goes on with a killed one. What curricle.toml says
    of the policy, and in its one [[train]] table for this dataset, holds where an option is not
    given; docs/training.md lists what such a table may say.

    Parameters
    ----------
    dataset
        Name of the dataset, or `name@version`; the newest version when none is given.
    policy
        Where to start: `tiny`, a checkpoint folder, or a hub id.
    template
        Prompt template by name.
    max_steps
        Updates to make; 0 means as many as the passes take.
    passes
        Times to go through the dataset.
    prompts_per_step
        Questions behind one update.
    num_generations
        Answers to each question.
    learning_rate
        Constant rate of AdamW.
    max_tokens
        Longest answer, in tokens.
    temperature
        Sampling temperature.
    beta
        Weight of the KL term; 0 loads no reference model.
    order
        Source of order; `fixed` is the curated one, the others are in docs/curricula.md.
    refill
        Dynamic sampling: ask further questions in the place of groups without signal.
    replay
        Bring groups of past steps back in the place of groups without signal.
    noisy
        NoisyRollout: let half of each group answer a noisy view, less and less noisy.
    lora
        Train a low-rank adapter, merged into the weights at the end.
    eval_every
        Updates between measurements in the course of the run; 0 measures before and after.
    save_every
        Updates between checkpoints.
    eval_samples
        Held-out samples to measure on; 0 measures nothing.
    eval_where
        SQL condition over the view `candidates` that narrows the held-out ones.
    seed
        Root of every random draw.
    """
    from flows import stages
    from flows.settings import declared_run, read_settings
    from flows.summaries import trained

    workspace = common.open().require()
    name, _, version = dataset.partition("@")
    options: dict[str, object] = {
        "dataset": name,
        "version": int(version) if version.isdigit() else version or None,
        "policy": policy,
        "template": template,
        "max_steps": max_steps,
        "passes": passes,
        "prompts_per_step": prompts_per_step,
        "num_generations": num_generations,
        "learning_rate": learning_rate,
        "max_tokens": max_tokens,
        "temperature": temperature,
        "beta": beta,
        "curriculum": {"by": order} if order else None,
        "refill": {} if refill else None,
        "replay": {} if replay else None,
        "noisy": {} if noisy else None,
        "lora": {} if lora else None,
        "evaluation": {"every": eval_every} if eval_every is not None else None,
        "save_every": save_every,
        "eval_samples": eval_samples,
        "eval_where": eval_where,
        "seed": seed,
    }
    given = {key: value for key, value in options.items() if value is not None}
    settings = read_settings(workspace)
    run = declared_run(settings, name, given)
    with bars() as progress:
        result = stages.train(workspace, settings, run, progress)
    show(result, common, trained(dataset, result, stages.run_report(workspace, result.run_id)))
