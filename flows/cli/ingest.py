"""`curricle ingest`: bring a corpus in."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, print_table, show
from pipelines.workspace import WrongUse, validated


def ingest(
    corpus: str | None = None,
    path: Path | None = None,
    /,
    *,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    seed: int | None = None,
    size: int | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> int:
    """Bring a corpus in: read it, screen it, keep its media; what is dropped says why.

    The same corpus again adds nothing.

    Parameters
    ----------
    corpus
        A corpus that Curricle knows; `--list` names them.
    path
        Folder of the corpus; generated corpora have none.
    list_
        List the corpora and stop.
    seed
        For a generated corpus: what it is made from.
    size
        For a generated corpus: training samples to make.
    strict
        Leave with exit code 3 when anything was rejected.
    """
    if list_:
        _list()
        return 0
    if corpus is None:
        raise WrongUse("name a corpus; `curricle ingest --list` shows those there are")
    from flows.settings import CorpusSettings
    from flows.stages import ingest
    from flows.summaries import ingested

    options = {"seed": seed, "size": size}
    given = {name: value for name, value in options.items() if value is not None}
    named = {"name": corpus, "path": path and path.absolute(), "options": given}
    settings = validated(named, CorpusSettings, "the command line")
    with bars() as progress:
        summary = ingest(common.open(), settings, progress)
    show(summary, common, ingested(summary))
    return 3 if strict and summary.rejected else 0


def _list() -> None:
    from pipelines.corpora.registry import CORPORA

    print_table(
        ("corpus", "what it is", "licence", "made by"),
        [
            (c.name, c.title, c.licence, "curricle" if c.generated else c.homepage)
            for c in CORPORA.values()
        ],
    )
