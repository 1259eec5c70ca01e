"""`curricle ingest`: bring a corpus in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, own_file, print_table, printable, show
from pipelines.engine import EngineName
from pipelines.workspace import Workspace, WrongUse, validated

if TYPE_CHECKING:
    from flows.settings import EngineSettings
    from pipelines.explain import Explained


def ingest(
    corpus: str | None = None,
    path: str | None = None,
    /,
    *,
    map: Path | None = None,
    as_: Annotated[str, Parameter(name="--as")] = "",
    explain: int = 0,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    seed: int | None = None,
    size: int | None = None,
    revision: str = "",
    benchmark: Annotated[bool, Parameter(negative="")] = False,
    engine: EngineName | None = None,
    workers: int | None = None,
    address: str | None = None,
    clean: bool = True,
    strict: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> int:
    """Bring a corpus in: read it, screen it, keep its media; what is dropped says why.

    The same corpus again adds nothing. One that Curricle does not know comes in by a mapping, a
    TOML file that says what its fields mean; `curricle init --from PATH` drafts it.

    Parameters
    ----------
    corpus
        A corpus that Curricle knows (`--list` names them), or a name for your own.
    path
        Folder, archive or file of the corpus, or `hf://owner/name:config`; generated corpora have
        none.
    map
        For a corpus of your own: the file that says what its fields mean, relative to here or to
        the workspace.
    as_
        For a set that was made for a trainer: which one, such as `verl`.
    explain
        Show what this many of the first records would become, and keep nothing.
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
    clean
        Look for duplicates and benchmark leaks afterwards, as `curricle clean` does.
    strict
        Leave with exit code 3 when anything was rejected.
    """
    if list_:
        _list()
        return 0
    if corpus is None:
        raise WrongUse("name a corpus; `curricle ingest --list` shows those there are")
    from flows import stages
    from flows.settings import CorpusSettings
    from flows.summaries import cleaned, ingested, record

    workspace = common.open()
    options = {"seed": seed, "size": size}
    given = {name: value for name, value in options.items() if value is not None}
    named = {
        "name": corpus,
        "path": _absolute(path),
        "map": map and own_file(workspace, map),
        "format": as_,
        "options": given,
        "revision": revision,
        "benchmark": benchmark,
    }
    settings = validated(named, CorpusSettings, "the command line")
    if explain:
        return _explain(stages.explain(workspace, settings, explain), common, strict=strict)
    where = _engine(workspace, {"name": engine, "workers": workers, "address": address})
    with bars() as progress:
        summary = stages.ingest(workspace, settings, progress, engine=where)
        found = stages.clean(workspace, progress) if clean else None
    lines = [*ingested(summary), *(cleaned(found) if found else ())]
    show(record(summary) | ({"clean": record(found)} if found else {}), common, lines)
    return 3 if strict and summary.rejected else 0


def _engine(workspace: Workspace, asked: dict[str, object]) -> "EngineSettings":
    """Put what the command line says over what curricle.toml says."""
    from flows.settings import EngineSettings, read_settings

    known = read_settings(workspace).engine.model_dump()
    given = {name: value for name, value in asked.items() if value is not None}
    return validated(known | given, EngineSettings, "the command line")


def _absolute(path: str | None) -> str:
    """Say where a corpus is from anywhere; an address stays as it is."""
    return str(Path(path).absolute()) if path and "://" not in path else path or ""


def _explain(records: "list[Explained]", common: Common, *, strict: bool) -> int:
    lines = []
    for record in records:
        lines += ["", printable(record.ref), *(f"  {printable(line)}" for line in record.lines)]
    show(records, common, lines[1:])
    return 3 if strict and any(record.rejected for record in records) else 0


def _list() -> None:
    from pipelines.corpora.registry import CORPORA

    print_table(
        ("corpus", "what it is", "licence", "made by"),
        [
            (c.name, c.title, c.licence, "curricle" if c.generated else c.homepage)
            for c in CORPORA.values()
        ],
    )
