"""`curricle ingest`: bring a corpus in."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, print_table, show
from pipelines.engine import EngineName
from pipelines.workspace import WrongUse, validated


def ingest(
    corpus: str | None = None,
    path: Path | None = None,
    /,
    *,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    seed: int | None = None,
    size: int | None = None,
    revision: str = "",
    benchmark: Annotated[bool, Parameter(negative="")] = False,
    engine: EngineName | None = None,
    workers: int | None = None,
    address: str | None = None,
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
    revision
        Name of the corpus' revision; a new one supersedes what it changed and withdraws what it
        dropped.
    benchmark
        It is one to measure with: nothing of it is trained on, nor what repeats it.
    engine
        Where records are worked on: `local`, or `ray` for a cluster; else as curricle.toml says.
    workers
        Batches worked on at once; 0 means one a core.
    address
        Of a Ray cluster, such as `auto`; empty starts one on this machine.
    strict
        Leave with exit code 3 when anything was rejected.
    """
    if list_:
        _list()
        return 0
    if corpus is None:
        raise WrongUse("name a corpus; `curricle ingest --list` shows those there are")
    from flows.settings import CorpusSettings, EngineSettings, read_settings
    from flows.stages import ingest
    from flows.summaries import ingested

    options = {"seed": seed, "size": size}
    given = {name: value for name, value in options.items() if value is not None}
    named = {
        "name": corpus,
        "path": path and path.absolute(),
        "options": given,
        "revision": revision,
        "benchmark": benchmark,
    }
    settings = validated(named, CorpusSettings, "the command line")
    workspace = common.open()
    asked = {"name": engine, "workers": workers, "address": address}
    where = read_settings(workspace).engine.model_dump()
    where |= {name: value for name, value in asked.items() if value is not None}
    with bars() as progress:
        summary = ingest(
            workspace,
            settings,
            progress,
            engine=validated(where, EngineSettings, "the command line"),
        )
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
