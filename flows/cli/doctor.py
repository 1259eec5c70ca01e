"""`curricle doctor`: what is wrong with a workspace, or with a set for a trainer."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, printable, show
from pipelines.workspace import WrongUse

Trainer = Literal["trl", "verl", "easyr1", "ms-swift"]


def doctor(
    what: str | None = None,
    /,
    *,
    repair: Annotated[bool, Parameter(negative="")] = False,
    quick: Annotated[bool, Parameter(negative="")] = False,
    for_: Annotated[Trainer | None, Parameter(name="--for", negative="")] = None,
    processor: str | None = None,
    max_prompt_length: int | None = None,
    prompts_per_step: int | None = None,
    common: Common = DEFAULTS,
) -> int:
    """Check the workspace; or, with WHAT and --for, a set before a trainer is given it.

    A workspace: its catalog, media, datasets, runs and settings, each file read through. Leaves
    with exit code 1 when something is broken. A set: each row that the trainer would not take as
    meant, and why; leaves with exit code 1 when the trainer would crash.

    Parameters
    ----------
    what
        File or folder of rows, whoever wrote it; or a dataset of the workspace, which is exported
        for the check. Without it, the workspace is checked.
    repair
        Of a workspace: do what is safe about what was found, and say what.
    quick
        Of a workspace: trust that a file of the right size holds the right bytes.
    for_
        Of a set: the trainer that is to load it.
    processor
        Of a set: `tiny`, or the folder of a checkpoint, whose processor measures every prompt.
    max_prompt_length
        Of a set: tokens that a prompt may have; else the trainer's default.
    prompts_per_step
        Of a set: prompts of a generation batch; an export of ours says it itself.
    """
    measures = (processor, max_prompt_length, prompts_per_step)
    if what is None:
        if for_ is not None or any(measure is not None for measure in measures):
            raise WrongUse("--for and what goes with it check a set; name the set, or leave it out")
        return _workspace(common, repair=repair, quick=quick)
    if for_ is None:
        raise WrongUse(f"say which trainer is to load {what}, with --for")
    if repair or quick:
        raise WrongUse(f"--repair and --quick are about a workspace; {what} is a set")
    return _set(
        common,
        what,
        for_,
        processor=processor,
        max_prompt_length=max_prompt_length,
        prompts_per_step=prompts_per_step,
    )


def _workspace(common: Common, *, repair: bool, quick: bool) -> int:
    from flows.care import check_up
    from flows.care_told import checked_up
    from pipelines.workspace import Workspace

    workspace = Workspace.find(common.workspace, lock_timeout=common.lock_timeout)
    with bars() as progress:
        found = check_up(workspace, quick=quick, repair=repair, progress=progress)
    show(found, common, map(printable, checked_up(found)))
    return 0 if found.sound else 1


def _set(
    common: Common,
    what: str,
    trainer: Trainer,
    **measures: Any,
) -> int:
    from flows import stages
    from flows.summaries import checked

    with bars() as progress:
        report = stages.check_handoff(
            common.open(),
            what,
            trainer,
            progress=progress,
            **measures,
        )
    show(report, common, checked(report))
    return 1 if report.crashes else 0
