"""`curricle report`: one page about a workspace, a dataset or a run, and what runs came to."""

from dataclasses import asdict
from pathlib import Path

from flows.cli.common import DEFAULTS, Common, bars, show
from pipelines.workspace import WrongUse


def report(
    *about: str,
    output: Path | None = None,
    samples: int = 10_000,
    media_mb: float = 4.0,
    common: Common = DEFAULTS,
) -> None:
    """Write one self-contained page into the workspace's `reports/`, with curves of runs as PNG.

    It shows what came in, how hard it is, what was kept and why, every sample with its answers, and
    what training did. All of it comes from the catalog; the page needs no network.

    Parameters
    ----------
    about
        A dataset, as `name` or `name@version`, with its control and their runs; or a run by the
        beginning of its id, with its dataset. Several are shown together; none: the newest
        dataset.
    output
        Where to write the page, in place of `reports/`.
    samples
        Most samples that can be looked through on the page.
    media_mb
        Megabytes that small pictures and clips may add to the page.
    """
    from flows.report.making import make_report
    from flows.summaries import plain, reported

    if samples < 1 or media_mb < 0:
        raise WrongUse("a page shows at least one sample, and media take no less than 0 megabytes")
    workspace = common.open().require()
    with bars() as progress:
        done, page = make_report(
            workspace,
            about,
            output=output,
            samples=samples,
            media_megabytes=media_mb,
            progress=progress,
        )
    left_out = (
        f"; left out: {page.samples_left_out:,} samples, {page.media_left_out:,} media, "
        f"{page.answers_left_out:,} answers"
    )
    lines = [*reported(done), f"page: {page.path} ({page.bytes / 1e6:.1f} MB, "]
    lines[-1] += f"{page.samples:,} samples{left_out})"
    show(plain(done) | {"page": plain(asdict(page))}, common, lines)
