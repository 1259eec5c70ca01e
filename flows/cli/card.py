"""`curricle card`: the data card of a dataset version, or what changed between two."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.common import DEFAULTS, Common, show
from pipelines.workspace import Workspace, WrongUse


def card(
    dataset: str,
    other: str | None = None,
    /,
    *,
    diff: Annotated[bool, Parameter(negative="")] = False,
    output: Path | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Print the data card of a dataset version, or write it to a file; compare versions.

    Parameters
    ----------
    dataset
        Name of the dataset, or `name@version`; the newest version when none is given.
    other
        With --diff: the version to compare with; when none is given, the version before.
    diff
        Say what changed between two versions, or between a set and its control.
    output
        File to write to, in place of the screen.
    """
    workspace = common.open().require()
    if not diff:
        if other is not None:
            raise WrongUse("give --diff to compare two versions")
        name, version = _named(workspace, dataset)
        text = (workspace.datasets / name / str(version) / "card.md").read_text(encoding="utf-8")
        _put(text, output)
        return
    from pipelines.curation.differences import difference_lines, differences
    from pipelines.curation.versions import registered

    sides = _pair(workspace, dataset, other)
    found = differences(workspace, *(registered(workspace, *side) for side in sides))
    if common.json:
        show(found, common, [])
    else:
        _put("\n".join(difference_lines(found)), output)


def _pair(
    workspace: Workspace, dataset: str, other: str | None
) -> tuple[tuple[str, int], tuple[str, int]]:
    """Give the two versions to compare, the earlier one first where only one is named."""
    name, version = _named(workspace, dataset)
    if other is not None:
        return (name, version), _named(workspace, other)
    earlier = [v for v in _versions(workspace, name) if v < version]
    if not earlier:
        raise WrongUse(f"{name}@{version} is the first version; name another to compare it with")
    return (name, earlier[-1]), (name, version)


def _named(workspace: Workspace, dataset: str) -> tuple[str, int]:
    """Read `name` or `name@version`. Raises WrongUse for what is not there."""
    name, _, version = dataset.partition("@")
    versions = _versions(workspace, name)
    if not versions:
        raise WrongUse(f"there is no dataset {name!r}; `curricle status` lists what there is")
    if version and version not in map(str, versions):
        raise WrongUse(f"{name} has versions {_listed(versions)}, not {version}")
    return name, int(version) if version else versions[-1]


def _versions(workspace: Workspace, name: str) -> list[int]:
    rows = workspace.catalog.rows(
        "select version from datasets where dataset = ? order by version", name
    )
    return [row["version"] for row in rows]


def _listed(versions: Iterable[int]) -> str:
    return ", ".join(map(str, versions))


def _put(text: str, output: Path | None) -> None:
    if output is None:
        print(text)
        return
    from flows.cli.answers import landing

    with landing(output) as partial:
        partial.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
