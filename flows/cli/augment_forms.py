"""`curricle augment forms`: the same questions as multiple choice, and as yes or no."""

from typing import get_args

from flows.cli.common import DEFAULTS, Common, bars, settings_given, show
from pipelines.forms.convert import Form


def forms(
    *forms: Form,
    corpus: str | None = None,
    options: int | None = None,
    seed: int = 0,
    common: Common = DEFAULTS,
) -> None:
    """Ask open questions as multiple choice, and either as yes or no (the stages of Curr-ReFT).

    Each training sample gets a form once; what has no wrong answers that look right is counted.

    Parameters
    ----------
    forms
        `choice` (for open questions), `yes-no` (for open questions and choices); without any, both.
    corpus
        Only samples of this corpus.
    options
        Options of a choice.
    seed
        What the wrong options, their order and the claims are drawn from.
    """
    from flows import stages
    from flows.settings import read_settings
    from flows.summaries import converted

    workspace = common.open().require()
    settings = settings_given(
        read_settings(workspace).augment, forms=forms or get_args(Form), options=options
    )
    with bars() as progress:
        done = stages.convert(workspace, settings, corpus=corpus, seed=seed, progress=progress)
    show(done, common, [line for summary in done for line in converted(summary)])
