"""`curricle doctor`: which rows of a set a trainer would crash on, misread or never see."""

from typing import Annotated, Literal

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, show


def doctor(
    what: str,
    /,
    *,
    for_: Annotated[
        Literal["trl", "verl", "easyr1", "ms-swift"], Parameter(name="--for", negative="")
    ],
    processor: str | None = None,
    max_prompt_length: int | None = None,
    prompts_per_step: int | None = None,
    common: Common = DEFAULTS,
) -> int:
    """Check a set before a trainer is given it: each row that it would not take as meant, and why.

    Leaves with exit code 1 when the trainer would crash.

    Parameters
    ----------
    what
        File or folder of rows, whoever wrote it; or a dataset of the workspace, which is exported
        for the check.
    for_
        Trainer that is to load it.
    processor
        `tiny`, or the folder of a checkpoint: its processor measures every prompt.
    max_prompt_length
        Tokens that a prompt may have; else the trainer's default.
    prompts_per_step
        Prompts of a generation batch; an export of ours says it itself.
    """
    from flows import stages
    from flows.summaries import checked

    with bars() as progress:
        report = stages.check_handoff(
            common.open(),
            what,
            for_,
            processor=processor,
            max_prompt_length=max_prompt_length,
            prompts_per_step=prompts_per_step,
            progress=progress,
        )
    show(report, common, checked(report))
    return 1 if report.crashes else 0
