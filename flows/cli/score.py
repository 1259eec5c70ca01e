"""`curricle score`: let the policy try, until it is known how hard each sample is for it."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from flows.cli.asking import PLAINLY, Asking
from flows.cli.common import DEFAULTS, Common, bars, settings_given, show
from flows.cli.score_probes import blind, shuffle
from flows.cli.score_search import search
from flows.cli.score_think import think

score = App(
    name="score",
    help="Ask the policy until it is known how hard each sample is for it; search, probe, import.",
)
score.command(search, name="search")
score.command(blind, name="blind")
score.command(shuffle, name="shuffle")
score.command(think, name="think")
score.command(
    "flows.cli.score_import:import_",
    name="import",
    help="Bring rollouts in that were made elsewhere, as another policy's evidence.",
)


@score.default
def score_(
    *,
    where: str | None = None,
    cap: int | None = None,
    block: int | None = None,
    goal: Literal["band", "mixed"] | None = None,
    stop: Literal["confidence", "worth"] | None = None,
    confidence: float | None = None,
    price: float | None = None,
    prior: Literal["jeffreys", "empirical"] | None = None,
    fill: int | None = None,
    refresh: Annotated[Literal["stale"] | None, Parameter(negative="")] = None,
    asking: Asking = PLAINLY,
    common: Common = DEFAULTS,
) -> None:
    """Ask the policy in blocks until each sample is decided.

    Killed at any moment, the same command goes on where it stopped.

    Parameters
    ----------
    where
        SQL condition over the view `candidates`: which samples to ask about.
    cap
        Most answers asked for per sample.
    block
        Answers asked for at once.
    goal
        Decide the band, or only whether `cap` answers would hold both right and wrong ones.
    stop
        Ask until the band is decided so surely, or while another block is worth what it costs.
    confidence
        How surely, for `--stop confidence`.
    price
        What an answer costs in wrong decisions, for `--stop worth`.
    prior
        Beta(1/2, 1/2), or a Beta fitted to the samples of the same corpus and task.
    fill
        Answers that keep the policy busy: few open samples are asked for more at once.
    refresh
        `stale`: ask only about samples that this policy, or one it descends from, was scored on.
    """
    from flows import evidence
    from flows.settings import read_settings
    from flows.summaries import estimated, scored

    workspace = common.open().require()
    settings = read_settings(workspace)
    who, root = asking.who(settings), asking.root(settings)
    rule = settings_given(
        settings.score,
        where=where,
        cap=cap,
        block=block,
        goal=goal,
        stop=stop,
        confidence=confidence,
        price=price,
        prior=prior,
        fill=fill,
    )
    stale = refresh is not None
    if asking.dry_run:
        with bars() as progress:
            cost = evidence.estimate(
                workspace, who, rule, seed=root, refresh=stale, progress=progress
            )
        show(cost, common, estimated(cost))
        return
    with bars() as progress:
        done = evidence.score(
            workspace,
            who,
            rule,
            seed=root,
            refresh=stale,
            budget=asking.budget(settings),
            progress=progress,
        )
    show(done, common, scored(done))
