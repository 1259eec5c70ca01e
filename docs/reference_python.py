"""The page about the Python API that is worth relying on: signatures and docstrings."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import Any

SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "A workspace and its catalog": (
        "SQL in, rows or Arrow out. Handles are opened in bursts, so that nothing else waits.",
        (
            "pipelines.workspace:Workspace",
            "pipelines.catalog.catalog:Catalog",
        ),
    ),
    "Samples": (
        "What every stage passes on, frozen and named by its content.",
        (
            "pipelines.record.sample:Sample",
            "pipelines.record.sample:Answer",
            "pipelines.record.sample:Reference",
            "pipelines.record.media:Media",
        ),
    ),
    "Policies": (
        "Anything that fits `Policy` can be scored, searched and evaluated.",
        (
            "pipelines.policies.policy:Policy",
            "pipelines.policies.policy:Request",
            "pipelines.policies.policy:Sampling",
            "pipelines.policies.policy:Completion",
            "pipelines.policies.scripted:ScriptedPolicy",
        ),
    ),
    "Rewards": (
        "A reward is a function from a reference and a completion to a score ([how](../rewards.md)).",
        (
            "pipelines.rewards.registry:reward",
            "pipelines.rewards.grading:grade",
            "pipelines.rewards.score:Score",
            "pipelines.rewards.registry:Judge",
        ),
    ),
    "Frozen versions": (
        "A dataset version is a folder of Parquet shards with a manifest.",
        (
            "pipelines.curation.shards:read_rows",
            "pipelines.curation.shards:each_sample",
            "pipelines.curation.reader:ShardReader",
        ),
    ),
    "Views": (
        "A view is rebuilt from its parent's media and its history.",
        (
            "augment.history:Applied",
            "augment.history:replay",
            "augment.annealing:Annealing",
            "augment.noise_library:NoiseLibrary",
            "augment.noise_library:provide",
        ),
    ),
    "What runs and audits found": (
        "The views of the [catalog](../catalog.md) in the form that a program wants.",
        (
            "pipelines.scoring.blocks:blocked",
            "pipelines.scoring.think:modes",
            "train.evaluation.curves:curve",
        ),
    ),
    "Flows": (
        "Prefect flows, each of which also runs as a plain function, with no server.",
        (
            "flows.refresh:refresh",
            "flows.ingest:ingest",
            "flows.augment:augment",
            "flows.score:score",
            "flows.curate:curate",
            "flows.train:train",
        ),
    ),
}
"""What is on the page, by section: why, and each name as `module:name`."""

SHOWN = ("property", "cached_property", "classmethod", "contextmanager")
ENTRY_POINTS = """## Entry points

| group | a package offers | used by |
|---|---|---|
| `console_scripts` | `curricle`, from Curricle itself | [the commands](../commands.md) |
| `{group}` | functions decorated with `@reward`, by name | `reward` and `[rewards]` of curricle.toml, as those that Curricle has |

```toml
# pyproject.toml of your package
[project.entry-points."{group}"]
brief = "my_package.rewards:brief"
```
"""


def page() -> str:
    """The whole page."""
    from pipelines.rewards.own import GROUP

    parts = [
        "# Python",
        "What a program of yours is meant to build on. Types and the settings of a file have pages "
        "of their own; everything else in the packages may change without notice.",
    ]
    for title, (why, names) in SECTIONS.items():
        parts += [f"## {title}", why]
        for name in names:
            parts += _entry(name)
    return "\n\n".join([*parts, ENTRY_POINTS.format(group=GROUP).strip()]) + "\n"


def _entry(name: str) -> Iterator[str]:
    module, _, attribute = name.partition(":")
    thing = getattr(import_module(module), attribute)
    plain = getattr(thing, "fn", thing)  # a Prefect flow wraps its function
    yield f"### `{attribute}`"
    yield f"```python\nfrom {module} import {attribute}\n\n{_declared(plain)}\n```"
    yield _without_arguments(inspect.getdoc(plain) or "")


def _declared(thing: Any) -> str:
    """What a caller has to know, as it stands in the source: signatures, and docstrings of parts."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    if isinstance(node, ast.ClassDef):
        return _class(node)
    assert isinstance(node, ast.FunctionDef)
    return _function(node, decorators=False, docstring=False)


def _class(node: ast.ClassDef) -> str:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"class {node.name}({bases}):" if bases else f"class {node.name}:"]
    for part, below in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(part, ast.AnnAssign) and not ast.unparse(part.target).startswith("_"):
            lines += [f"    {line}" for line in (ast.unparse(part), *_comment(below))]
        elif isinstance(part, ast.FunctionDef) and _is_public(part):
            lines += ["", textwrap.indent(_function(part, docstring=True), "    ")]
    return "\n".join(lines)


def _comment(below: ast.stmt | None) -> list[str]:
    """The string under a field, as comment lines."""
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        return _wrapped(str(below.value.value))
    return []


def _wrapped(text: str) -> list[str]:
    return [f"    # {line}" for line in textwrap.wrap(" ".join(text.split()), 84)]


def _function(node: ast.FunctionDef, *, docstring: bool, decorators: bool = True) -> str:
    known = [ast.unparse(one) for one in node.decorator_list]
    shown = [f"@{one}" for one in known if decorators and one in SHOWN]
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = ast.unparse(node.args)
    one_line = f"def {node.name}({arguments}){result}: ..."
    lines = [*shown, one_line if len(one_line) <= 92 else _broken(node, result)]
    if docstring:
        lines += _wrapped((ast.get_docstring(node) or "").split("\n\n")[0])
    return "\n".join(lines)


def _broken(node: ast.FunctionDef, result: str) -> str:
    """A signature with an argument a line."""
    inside = ast.unparse(node.args)
    pieces = [piece.strip() for piece in _split(inside)]
    return f"def {node.name}(\n" + "".join(f"    {one},\n" for one in pieces) + f"){result}: ..."


def _split(arguments: str) -> Iterator[str]:
    """Cut at the commas that stand in no bracket."""
    depth, start = 0, 0
    for at, character in enumerate(arguments):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            yield arguments[start:at]
            start = at + 1
    yield arguments[start:]


def _is_public(node: ast.FunctionDef) -> bool:
    return not node.name.startswith("_") or node.name in ("__init__", "__getitem__", "__len__")


def _without_arguments(said: str) -> str:
    """The docstring in prose; `Args:` and the like as a list."""
    paragraphs = []
    for part in said.split("\n\n"):
        title, _, rest = part.partition("\n")
        if title in ("Args:", "Parameters"):
            lines = textwrap.dedent(rest).splitlines()
            paragraphs.append("\n".join(f"- {line}" for line in lines if line.strip()))
        else:
            paragraphs.append(" ".join(part.split()))
    return "\n\n".join(paragraphs)
