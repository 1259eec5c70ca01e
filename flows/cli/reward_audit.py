"""`curricle reward audit`: two graders over the stored answers, and where they part."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, bars, print_table, show
from pipelines.workspace import WrongUse

if TYPE_CHECKING:
    from pipelines.scoring.audit import Audit, Disagreement


def audit(
    *,
    first: str = "stored",
    second: str | None = None,
    where: str = "true",
    limit: int = 20,
    output: Path | None = None,
    keep: Annotated[bool, Parameter(negative="")] = False,
    common: Common = DEFAULTS,
) -> None:
    """Let two graders judge the stored answers, and list those that they judge differently.

    It reads, and stores nothing unless told to keep the second grader's opinion.

    Parameters
    ----------
    first
        `stored` for the grades that answers came with, `stored:PATTERN` for those of graders by
        `reward_id` (`stored:gsm8k-*`), `answer` for the reward of each answer's kind, or a reward by
        name.
    second
        The same; what curricle.toml says holds where it is not given.
    where
        SQL condition over `graded` joined with `candidates`: which answers to compare. `policy`
        is the policy's name.
    limit
        Most disagreements to show.
    output
        File to write all disagreements to, .csv or .parquet.
    keep
        Store the grades of the second, so that SQL sees both.
    """
    from flows.settings import read_settings
    from flows.summaries import audited
    from pipelines.rewards.declared import grading_of
    from pipelines.scoring.audit import Side
    from pipelines.scoring.audit import audit as compare

    workspace = common.open().require()
    settings = read_settings(workspace)
    one, other = (
        Side.named(name, lambda name: grading_of(name, settings.rewards, workspace.root))
        for name in (first, settings.reward if second is None else second)
    )
    with bars() as progress, _written(output) as write:
        done = compare(
            workspace.catalog,
            one,
            other,
            where=where,
            limit=limit,
            keep=keep,
            on_disagreement=write,
            progress=progress,
        )
    show(done, common, audited(done))
    if done.disagreements and not common.json:
        _print(done)


def _print(done: "Audit") -> None:
    rows = [
        (d.policy, d.gold, d.said, f"{d.first}: {d.first_reason}", f"{d.second}: {d.second_reason}")
        for d in done.disagreements
    ]
    print_table(("policy", "gold", "final answer", done.first, done.second), rows)


@contextmanager
def _written(path: Path | None) -> Iterator[Callable[[Sequence["Disagreement"]], None]]:
    """Write disagreements to a file as they are found; to nowhere where none is named."""
    if path is None:
        yield lambda _: None
        return
    from dataclasses import asdict, fields

    import pyarrow as pa
    from pyarrow import csv, parquet

    from pipelines.scoring.audit import Disagreement

    makers: dict[str, Any] = {".csv": csv.CSVWriter, ".parquet": parquet.ParquetWriter}
    if path.suffix not in makers:
        raise WrongUse(f"{path}: disagreements are written as .csv or .parquet")
    schema = pa.schema([(field.name, pa.string()) for field in fields(Disagreement)])
    with makers[path.suffix](path, schema) as writer:
        yield lambda found: writer.write_table(
            pa.Table.from_pylist([asdict(item) for item in found], schema)
        )
