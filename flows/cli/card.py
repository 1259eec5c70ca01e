"""`curricle card`: the data card of a dataset version."""

from pathlib import Path

from flows.cli.common import DEFAULTS, Common
from pipelines.workspace import WrongUse


def card(dataset: str, /, *, output: Path | None = None, common: Common = DEFAULTS) -> None:
    """Print the data card of a dataset version, or write it to a file.

    Parameters
    ----------
    dataset
        Name of the dataset, or `name@version`; the newest version when none is given.
    output
        File to write the card to.
    """
    workspace = common.open().require()
    name, _, version = dataset.partition("@")
    rows = workspace.catalog.rows(
        "select dataset, version from datasets where dataset = ? order by version", name
    )
    versions = [row["version"] for row in rows]
    if not versions:
        raise WrongUse(f"there is no dataset {name!r}; `curricle status` lists what there is")
    if version and version not in map(str, versions):
        raise WrongUse(f"{name} has versions {', '.join(map(str, versions))}, not {version}")
    chosen = int(version) if version else versions[-1]
    text = (workspace.datasets / name / str(chosen) / "card.md").read_text(encoding="utf-8")
    if output is None:
        print(text)
    else:
        output.write_text(text, encoding="utf-8")
