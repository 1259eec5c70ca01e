"""`curricle score blind` and `curricle score shuffle`: what right answers are worth."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from flows.cli.asking import PLAINLY, Asking
from flows.cli.common import DEFAULTS, Common, bars, settings_given, show

if TYPE_CHECKING:
    from flows.evidence import ProbeKind


def blind(
    *,
    where: str | None = None,
    answers: int | None = None,
    how: Literal["blanked", "withheld"] | None = None,
    asking: Asking = PLAINLY,
    common: Common = DEFAULTS,
) -> None:
    """Ask without the media: what is solvable blind does not teach to look.

    Parameters
    ----------
    where
        SQL condition over `candidates` joined with `difficulty`: which samples to probe.
    answers
        Answers to each sample.
    how
        Grey pictures and silence of the same size, or a prompt without media.
    """
    _probe("blind", {"where": where, "answers": answers, "how": how}, asking, common)


def shuffle(
    *,
    where: str | None = None,
    answers: int | None = None,
    permutations: int | None = None,
    asking: Asking = PLAINLY,
    common: Common = DEFAULTS,
) -> None:
    """Ask with the options of choices in other orders: who guesses, or loves a letter, flips.

    Parameters
    ----------
    where
        SQL condition over `candidates` joined with `difficulty`: which samples to probe.
    answers
        Answers to each sample in each order.
    permutations
        Most orders, beside the sample's own.
    """
    given = {"where": where, "answers": answers, "permutations": permutations}
    _probe("shuffle", given, asking, common)


def _probe(kind: "ProbeKind", given: Mapping[str, object], asking: Asking, common: Common) -> None:
    from flows import evidence
    from flows.settings import read_settings
    from flows.summaries import probe_estimated, probed

    workspace = common.open().require()
    settings = read_settings(workspace)
    who, root = asking.who(settings), asking.root(settings)
    wanted = settings_given(settings.probe, **given)
    if asking.dry_run:
        with bars() as progress:
            cost = evidence.estimate_probe(
                workspace, who, wanted, kind, seed=root, progress=progress
            )
        show(cost, common, probe_estimated(cost))
        return
    with bars() as progress:
        done = evidence.probe(
            workspace,
            who,
            wanted,
            kind,
            seed=root,
            budget=asking.budget(settings),
            progress=progress,
        )
    show(done, common, probed(done))
