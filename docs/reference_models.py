"""Pages about what a person may write in TOML, from the models that read it.

What a key is for is the string under its field, which `--help` and editors show, too.
"""

import ast
import inspect
import json
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}

Model = type[BaseModel]


@dataclass(frozen=True)
class Table:
    """One table of a file: how it is headed, and what reads it."""

    heading: str
    model: Model


def page(title: str, opening: str, model: Model, root: str, heading: str) -> str:
    """A page of a title, an opening and sections.

    `root` is the path of the model in its file, such as `train`; `heading` names its own section.
    """
    return f"# {title}\n\n{opening.strip()}\n\n{sections(model, root, heading)}"


def sections(model: Model, root: str, heading: str) -> str:
    """The sections of a page: the model itself, then each table within it."""
    tables = [Table(heading, model), *_tables(model, root)]
    return "\n\n".join(part for table in tables for part in _section(table)) + "\n"


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.heading}"
    yield _plain(inspect.getdoc(table.model) or "")
    keys = list(_keys(table.model))
    if keys:
        yield "\n".join(["| key | takes | default | what it says |", "|---|---|---|---|", *keys])


def _tables(model: Model, root: str) -> Iterator[Table]:
    """The tables within a model, depth first, in the order of its fields."""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None:
            continue
        path = ".".join(filter(None, (root, name)))
        path += ".NAME" if get_origin(field.annotation) is dict else ""
        many = get_origin(field.annotation) in (tuple, list)
        yield Table(f"`[[{path}]]`" if many else f"`[{path}]`", inner)
        yield from _tables(inner, path)
    extra = model.__annotations__.get("__pydantic_extra__")
    named = _model_in(extra)
    if named is not None:
        yield Table(f"`[{root}.NAME]`", named)


def _keys(model: Model) -> Iterator[str]:
    said = _docstrings(model)
    for name, field in model.model_fields.items():
        if _model_in(field.annotation) is None:
            cells = (f"`{name}`", takes(field), _default(field), said.get(name, ""))
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def takes(field: FieldInfo) -> str:
    """What may be written there, in words."""
    bounds = [
        f"{word} {getattr(one, bound):g}"
        for one in field.metadata
        for bound, word in BOUNDS.items()
        if getattr(one, bound, None) is not None
    ]
    return ", ".join([_type(field.annotation), *bounds])


def _type(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(one) for one in inside if one is not type(None))
    if origin in (tuple, list):
        return f"list of {_several(_type(inside[0]))}"
    if origin is dict:
        return "a table"
    if hasattr(annotation, "__metadata__"):
        return _type(get_args(annotation)[0])
    return WORDS.get(annotation, "text")


def _several(one: str) -> str:
    """The plural of a word for what is taken; names of choices stay."""
    return one if one.startswith("`") else one.removeprefix("a ") + "s"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(needed)"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "unset"
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


def _model_in(annotation: Any) -> Model | None:
    """The model that an annotation holds: alone, or in a list, a table of tables, or an optional."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    for one in get_args(annotation):
        found = _model_in(one)
        if found is not None:
            return found
    return None


@cache
def _docstrings(model: Model) -> dict[str, str]:
    """The string under each field, those of parent models included."""
    said: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one is not BaseModel and issubclass(one, BaseModel):
            said |= _strings_under_fields(one)
    return said


def _strings_under_fields(model: Model) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)
    said = {}
    for line, below in zip(body.body, body.body[1:], strict=False):
        named = isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            said[line.target.id] = _plain(str(below.value.value))
    return said


def _plain(text: str) -> str:
    """One paragraph a line, as Markdown takes it in a table."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
