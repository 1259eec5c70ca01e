"""`curricle evaluate`: how often a policy is right on held-out samples."""

from flows.cli.common import DEFAULTS, Common, bars, settings_given, show


def evaluate(
    policy: str | None = None,
    /,
    *,
    where: str = "",
    samples: int = 200,
    answers: int = 4,
    template: str | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Measure a policy on held-out samples: sampled accuracy, with an interval, task by task.

    What was asked before is read back and not asked again.

    Parameters
    ----------
    policy
        `tiny`, a checkpoint folder (such as runs/…/final), or a hub id.
    where
        SQL condition over the view `candidates` that narrows the held-out ones.
    samples
        Held-out samples to ask about.
    answers
        Answers drawn to each.
    template
        Prompt template by name.
    max_tokens
        Longest answer, in tokens.
    seed
        Decides which samples, and the draws.
    """
    from flows import stages
    from flows.settings import read_settings
    from flows.summaries import measured

    workspace = common.open().require()
    settings = read_settings(workspace)
    who = settings_given(settings.policy, source=policy, template=template, max_tokens=max_tokens)
    with bars() as progress:
        done = stages.evaluate(
            workspace,
            who,
            where=where,
            samples=samples,
            answers=answers,
            seed=settings.seed if seed is None else seed,
            progress=progress,
        )
    show(done, common, measured(done))
