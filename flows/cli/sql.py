"""`curricle sql`: one SELECT over the catalog, beside whatever else runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from flows.cli.common import DEFAULTS, Common, print_table
from pipelines.workspace import WrongUse

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["table", "csv", "json", "parquet"]


def sql(
    query: str,
    /,
    *,
    format: Format = "table",
    output: Path | None = None,
    seconds: float = 30.0,
    memory: str = "1GB",
    common: Common = DEFAULTS,
) -> None:
    """Answer one SELECT over the catalog; it reads, and can reach neither files nor network.

    Parameters
    ----------
    query
        One SELECT; docs/catalog.md lists the tables and views.
    format
        How the answer is written.
    output
        File to write to, in place of the screen; parquet needs one.
    seconds
        Longest time the query may take.
    memory
        Most memory the query may take, such as `2GB`.
    """
    from pipelines.catalog.guarded import guarded

    catalog = common.open().require().catalog
    answer = guarded(catalog, query, seconds=seconds, memory=memory)
    if common.json:
        format = "json"
    if format == "parquet":
        if output is None:
            raise WrongUse("--format parquet needs --output FILE")
        import pyarrow.parquet

        pyarrow.parquet.write_table(answer, output)
    elif output is not None:
        with output.open("w", encoding="utf-8", newline="") as file:
            _write(answer, format, file)
    elif format == "table":
        print_table(answer.column_names, zip(*answer.to_pydict().values(), strict=True))
    else:
        _write(answer, format, sys.stdout)


def _write(answer: "pa.Table", format: Format, file: TextIO) -> None:
    import csv
    import json

    rows = answer.to_pylist()
    if format == "json":
        json.dump(rows, file, indent=2, default=str)
        file.write("\n")
        return
    writer = csv.writer(file)
    writer.writerow(answer.column_names)
    writer.writerows(row.values() for row in rows)
