"""The report page as a part of flows: written after something new, and linked from the run."""

from collections.abc import Sequence

from flows.artifacts import leave_link, leave_picture
from flows.narration import log, progress, say
from flows.orchestration import open_workspace, retried


def outermost() -> bool:
    """Whether the flow under way is no part of another one, which writes the page in its place."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    return run is None or run.parent_task_run_id is None


@retried
def write_page(workspace: str, about: Sequence[str]) -> list[str]:
    """Write the page about what was made, and give it and its pictures; a failure only warns."""
    from flows.report.making import make_report

    try:
        done, page = make_report(open_workspace(workspace), about, progress=progress)
    except Exception as error:
        log.warning("no report page was written: %s", error)
        return []
    say([f"report: {page.path}"])
    leave_link("report", page.path, f"The report on {', '.join(about)}.")
    for number, picture in enumerate(done.pictures, 1):
        leave_picture(f"curves-{number}", picture, f"Learning curves of {picture.stem}.")
    return [str(page.path), *map(str, done.pictures)]
