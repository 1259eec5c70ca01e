"""`curricle evaluate`: how often a policy is right on held-out samples, plain, noisy and blind."""

from typing import Literal

from flows.cli.common import DEFAULTS, Common, bars, settings_given, show

SetName = Literal["held-out", "noisy", "blind", "retention"]
"""As `train.evaluation.settings` has it, which is slow to import."""


def evaluate(
    policy: str | None = None,
    /,
    *,
    set: tuple[SetName, ...] = ("held-out",),
    against: str | None = None,
    where: str = "",
    samples: int = 200,
    answers: int = 4,
    noise: int | None = None,
    dataset: str | None = None,
    template: str | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Measure a policy: sampled accuracy on each set, with intervals, task by task.

    What was asked before is read back and not asked again.

    Parameters
    ----------
    policy
        `tiny`, a checkpoint folder, a hub id, a run by its id, or `dataset@version` for its newest
        run.
    set
        What to measure on, several times for several: `held-out`; `noisy` and `blind`, the same
        samples under noise and without their media; `retention`, what the policy could do before.
    against
        Another policy, that is measured too and compared with sample by sample.
    where
        SQL condition over the view `candidates` that narrows the held-out ones.
    samples
        Samples of each set to ask about.
    answers
        Answers drawn to each.
    noise
        Of `noisy`: step of forward diffusion, of 1000.
    dataset
        Of `retention`: the dataset that is trained on, where no run of the policy says so.
    template
        Prompt template by name.
    max_tokens
        Longest answer, in tokens.
    seed
        Decides which samples, and the draws.
    """
    from flows import stages
    from flows.settings import read_settings
    from flows.summaries import compared, measured
    from train.evaluation.settings import EvaluationSettings

    workspace = common.open().require()
    settings = read_settings(workspace)
    sets = {"sets": set, "noise": noise, "retention_samples": samples}
    wanted = settings_given(EvaluationSettings(), **sets)
    sources = [policy or settings.policy.source, *([against] if against is not None else [])]
    asked = {"template": template, "max_tokens": max_tokens}
    with bars() as progress:
        found = [
            stages.evaluate(
                workspace,
                settings_given(
                    settings.policy, source=stages.policy_named(workspace, source), **asked
                ),
                wanted,
                where=where,
                samples=samples,
                answers=answers,
                dataset=dataset,
                seed=settings.seed if seed is None else seed,
                progress=progress,
            )
            for source in sources
        ]
    lines, gains = measured(found[0]), {}
    if against is not None:
        gains = stages.compare(workspace, found[1], found[0])
        lines += [f"against {against}:", *measured(found[1])]
        lines += [f"{against} -> {sources[0]}, paired by sample:", *compared(gains)]
    show({"sets": found[0], "against": found[1:], "gains": gains}, common, lines)
