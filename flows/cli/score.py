"""`curricle score`: let the policy try, until it is known how hard each sample is for it."""

from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, settings_given, show


def score(
    *,
    policy: str | None = None,
    template: str | None = None,
    max_tokens: int | None = None,
    temperature: float | None = None,
    where: str | None = None,
    search: str | None = None,
    cap: int | None = None,
    block: int | None = None,
    iterations: int | None = None,
    limit: int | None = None,
    seed: int | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> None:
    """Ask the policy in blocks until each sample is decided, or search its answers step by step.

    Killed at any moment, the same command goes on where it stopped. What curricle.toml says
    holds where an option is not given.

    Parameters
    ----------
    policy
        `tiny`, a checkpoint folder, or a hub id.
    template
        Prompt template by name.
    max_tokens
        Longest answer, in tokens.
    temperature
        Sampling temperature.
    where
        SQL condition over the view `candidates`: which samples to ask about.
    search
        Tree-search the samples of this condition (over `candidates` joined with `difficulty`)
        instead, such as `pass_rate = 0`.
    cap
        Most answers asked for per sample.
    block
        Answers asked for at once.
    iterations
        Most search iterations per sample.
    limit
        Most samples to search; 0 means all.
    seed
        Root of every random draw.
    dry_run
        Say what it would cost, and ask nothing.
    """
    from flows import stages
    from flows.settings import read_settings
    from flows.summaries import estimated, scored, searched

    workspace = common.open().require()
    settings = read_settings(workspace)
    who = settings_given(
        settings.policy,
        source=policy,
        template=template,
        max_tokens=max_tokens,
        temperature=temperature,
    )
    rule = settings_given(settings.score, where=where, cap=cap, block=block)
    root = settings.seed if seed is None else seed
    wanted = settings.search
    if search is not None:
        wanted = settings_given(wanted, where=search, iterations=iterations, limit=limit)
    if dry_run:
        cost = (
            stages.estimate(workspace, who, rule, seed=root)
            if search is None
            else stages.estimate_search(workspace, who, wanted, seed=root)
        )
        show(cost, common, [estimated(cost)])
        return
    with bars() as progress:
        if search is None:
            done = stages.score(workspace, who, rule, seed=root, progress=progress)
        else:
            found = stages.search(workspace, who, wanted, seed=root, progress=progress)
    if search is None:
        show(done, common, [scored(done)])
    else:
        show(found, common, [searched(found)])
