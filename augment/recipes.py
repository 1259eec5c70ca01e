"""Recipes by name: TOML files, ours in `mixes/` and anybody's own by path."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from augment.drawing import draw, drawn, generator, rulings
from augment.errors import AugmentError
from augment.recipe import Recipe, Step
from augment.transforms import Medium

__all__ = [
    "RECIPES",
    "Recipe",
    "Step",
    "chosen",
    "draw",
    "drawn",
    "generator",
    "named",
    "read_recipe",
    "rulings",
]

_FOLDER = Path(__file__).parent / "mixes"
SUFFIX = ".toml"


class StepFile(BaseModel):
    """One `[[steps]]` of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    transform: str
    """What is done, by name."""
    probability: float = Field(default=0.5, ge=0, le=1)
    """In what share of the copies, before `at_most` is kept."""
    limits: dict[str, Annotated[list[int], Field(min_length=2, max_length=2)]] = {}
    """Lowest and highest of a drawn parameter; without one, all that the label table bears."""


class RecipeFile(BaseModel):
    """A recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(default="", pattern=r"^[\w.-]*$")
    """Of the recipe; without one, that of its file."""
    about: str = ""
    """What it makes of a sample, in a sentence."""
    medium: Medium
    """Whose samples it is for: image, audio or video; text is for all."""
    version: int = Field(default=1, ge=1)
    """Goes up when other draws are wanted."""
    at_most: int = Field(default=2, ge=1)
    """Transforms in one copy."""
    steps: list[StepFile] = Field(min_length=1)
    """What may be done, in the order in which it is done."""


def read_recipe(path: Path) -> Recipe:
    """Read somebody's own recipe; its id holds a hash of what it says.

    Raises AugmentError, naming the file and the key, for one that cannot be drawn.
    """
    return _read(path, own=True)


def chosen(name: str, root: Path = Path()) -> Recipe:
    """Return a built-in recipe by name, or somebody's own by the path of its file.

    Args:
        root: the folder that a path is relative to.
    """
    return read_recipe(root / name) if name.endswith(SUFFIX) else named(name)


def named(name: str) -> Recipe:
    """Return a built-in recipe."""
    if name not in RECIPES:
        known = ", ".join(sorted(RECIPES))
        raise AugmentError(
            f"unknown recipe {name!r}; known are {known}, and files that end in {SUFFIX}"
        )
    return RECIPES[name]


def _read(path: Path, *, own: bool) -> Recipe:
    try:
        said = RecipeFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AugmentError(f"recipe {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AugmentError(f"recipe {path} is not TOML: {error}") from None
    except ValidationError as error:
        raise AugmentError(f"recipe {path}: {_first_mistake(error)}") from None
    try:
        return _recipe(said, said.name or path.stem, own=own)
    except AugmentError as error:
        raise AugmentError(f"recipe {path}: {error}") from None


def _recipe(said: RecipeFile, name: str, *, own: bool) -> Recipe:
    steps = tuple(
        Step(
            step.transform,
            {key: (low, high) for key, (low, high) in step.limits.items()},
            step.probability,
        )
        for step in said.steps
    )
    return Recipe(
        name=name,
        version=said.version,
        medium=said.medium,
        steps=steps,
        at_most=said.at_most,
        content=_content(said) if own else "",
        about=said.about,
    )


def _content(said: RecipeFile) -> str:
    """Hash what decides the draws; comments, layout and what it is about do not."""
    facts = said.model_dump(exclude={"name", "about"})
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _first_mistake(error: ValidationError) -> str:
    """Say what is wrong with the first key that is, in one sentence."""
    first = error.errors()[0]
    key = ".".join(str(part + 1 if isinstance(part, int) else part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        model = StepFile if "steps" in first["loc"] else RecipeFile
        return f"unknown key {key!r}; known are {', '.join(model.model_fields)}"
    return f"{key!r}: {first['msg']}"


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (_read(path, own=False) for path in sorted(_FOLDER.glob(f"*{SUFFIX}")))
}
"""The built-in recipes by name."""
