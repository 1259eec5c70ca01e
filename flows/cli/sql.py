"""`curricle sql`: one SELECT over the catalog, beside whatever else runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, print_table, show
from pipelines.workspace import WrongUse

if TYPE_CHECKING:
    from pipelines.catalog.guarded import Answer

Format = Literal["table", "csv", "json", "parquet"]


def sql(
    query: str | None = None,
    /,
    *,
    file: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    format: Format | None = None,
    output: Path | None = None,
    rows: int = 1000,
    seconds: float = 30.0,
    memory: str = "1GB",
    common: Common = DEFAULTS,
) -> None:
    """Answer one SELECT over the catalog; it reads, and can reach neither files nor network.

    Without a query it lists the tables and views, and what each holds.

    Parameters
    ----------
    query
        One SELECT; `describe TABLE` gives the columns of a table or view.
    file
        File to read the query from; `-` for the standard input.
    format
        How the answer is written; default: as the ending of --output says, else a table.
    output
        File to write to, in place of the screen.
    rows
        Most rows of a table that are shown; csv, json and parquet hold all.
    seconds
        Longest time the query may take.
    memory
        Most memory the query may take, such as `2GB`.
    """
    if query is None and file is None:
        _list(common)
        return
    statement, kind = _statement(query, file), _format(format, output, common)
    if rows < 1:
        raise WrongUse(f"--rows {rows}: a table shows at least one row")
    from pipelines.catalog.guarded import answered

    catalog = common.open().require().catalog
    most = rows if kind == "table" else None
    with answered(catalog, statement, seconds=seconds, memory=memory, rows=most) as answer:
        if kind == "table":
            _print(answer, rows)
        else:
            _write(answer, kind, output)


def _statement(query: str | None, file: str | None) -> str:
    if file is None:
        return query or ""
    if query is not None:
        raise WrongUse("give a query or --file, not both")
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WrongUse(f"there is no file {file}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file} cannot be read as text: {error}") from error


def _format(format: Format | None, output: Path | None, common: Common) -> Format:
    if common.json:
        format = "json"
    if output is None:
        if format == "parquet":
            raise WrongUse("--format parquet needs --output FILE")
        return format or "table"
    endings: dict[str, Format] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
    format = format or endings.get(output.suffix.lower())
    if format is None or format == "table":
        raise WrongUse(f"{output}: give --format csv, json or parquet")
    return format


def _print(answer: "Answer", rows: int) -> None:
    from flows.cli.answers import rows_of

    print_table(answer.batches.schema.names, rows_of(answer.batches))
    if answer.more:
        print(
            f"these are the first {rows:,} rows, and there are more: "
            "give --rows, or --output FILE.csv for all",
            file=sys.stderr,
        )


def _write(answer: "Answer", kind: Format, output: Path | None) -> None:
    from flows.cli.answers import WRITERS, landing, write_parquet

    if output is None:
        WRITERS[kind](answer.batches, sys.stdout)
        return
    with landing(output) as partial:
        if kind == "parquet":
            write_parquet(answer.batches, partial)
        else:
            with partial.open("w", encoding="utf-8", newline="") as out:
                WRITERS[kind](answer.batches, out)


def _list(common: Common) -> None:
    from pipelines.catalog.listing import listed

    found = listed()
    if common.json:
        show(found, common, [])
        return
    print_table(("name", "", "one row is"), [(one.name, one.kind, one.purpose) for one in found])
    print('`curricle sql "describe NAME"` gives its columns; docs/cookbook.md has questions.')
