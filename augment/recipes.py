"""Named mixes of transforms, and the drawing of one copy's history from them.

A recipe says what is worth doing; the label table says what this sample can bear. A draw obeys
both.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from augment.errors import AugmentError
from augment.history import Applied
from augment.labels import Ruling, forbid, narrowed, verdict
from augment.transforms import Limits, Medium, find


@dataclass(frozen=True, slots=True)
class Step:
    """One transform of a recipe: how strong, and in what share of the copies."""

    transform: str
    limits: Limits = field(default_factory=dict)
    """Range of a drawn parameter, both ends included; without one, all that the labels bear."""
    probability: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named mix of transforms for one medium."""

    name: str
    version: int
    """Goes up whenever the same generator would draw something else."""
    medium: Medium
    steps: tuple[Step, ...]
    """In the order in which they are applied."""
    at_most: int = 2
    """Transforms in one copy."""

    def __post_init__(self) -> None:
        if not self.steps or self.at_most < 1:
            raise AugmentError(f"recipe {self.name!r} has nothing to apply")
        names = [step.transform for step in self.steps]
        if len(set(names)) < len(names):
            raise AugmentError(f"recipe {self.name!r} names a transform twice")
        for step in self.steps:
            self._check(step)

    @property
    def recipe_id(self) -> str:
        """Name and version, as a view records them."""
        return f"{self.name}@{self.version}"

    def _check(self, step: Step) -> None:
        """Refuse a step that could never be drawn as it is written."""
        transform = find(step.transform)
        if transform.medium != self.medium:
            raise AugmentError(
                f"recipe {self.name!r} is for {self.medium}, "
                f"and {step.transform!r} is for {transform.medium}"
            )
        if not 0 <= step.probability <= 1:
            raise AugmentError(f"{step.transform!r} has probability {step.probability}, not 0 to 1")
        for key, (low, high) in step.limits.items():
            if key not in transform.bounds or key == "seed":
                raise AugmentError(f"{step.transform!r} has no limit called {key!r}")
            lowest, highest = transform.bounds[key]
            if not lowest <= low <= high <= highest:
                raise AugmentError(
                    f"{step.transform!r} takes {key} from {lowest} to {highest}, not {low} to {high}"
                )


# In each the order of the real world: the scene, then the sensor, then the file.
RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="light-image",
            version=1,
            medium="image",
            steps=(
                Step("rotate", {"decidegrees": (-100, 100)}),
                Step("gaussian_noise", {"sigma": (4, 25)}),
                Step("jpeg", {"quality": (50, 90)}),
            ),
        ),
        Recipe(
            name="light-audio",
            version=1,
            medium="audio",
            steps=(
                Step("speed", {"percent": (90, 110)}),
                Step("add_noise", {"snr_db": (10, 30)}),
            ),
        ),
    )
}


def named(name: str) -> Recipe:
    """Return a built-in recipe."""
    if name not in RECIPES:
        raise AugmentError(f"unknown recipe {name!r}; known are {', '.join(sorted(RECIPES))}")
    return RECIPES[name]


def generator(recipe: Recipe, sample_id: str, copy: int = 0, seed: int = 0) -> np.random.Generator:
    """Return a copy's own generator, so that its draw hangs on no other sample and no order."""
    key = f"{recipe.recipe_id}\n{sample_id}\n{copy}\n{seed}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()[:16], "big"))


def rulings(
    recipe: Recipe, tags: Iterable[str], question: str, answer: str = "", *, moves: bool = False
) -> dict[str, Ruling]:
    """Rule on each transform of the recipe, in its order, with the limits that are left.

    Args:
        moves: whether the caller moves answers (`history.move`); without it `remap` is forbidden.
    """
    given = list(tags)
    out = {}
    for step in recipe.steps:
        ruling = verdict(given, step.transform, question, answer)
        if ruling.outcome == "remap" and not moves:
            ruling = forbid(f"the answer would have to move too ({ruling.reason})")
        out[step.transform] = narrowed(ruling, step.limits) if ruling.allowed else ruling
    return out


def draw(
    recipe: Recipe,
    rng: np.random.Generator,
    tags: Iterable[str],
    question: str,
    answer: str = "",
    *,
    moves: bool = False,
) -> list[Applied]:
    """Draw one copy's history: at least one transform if any is allowed, else none at all."""
    ruled = rulings(recipe, tags, question, answer, moves=moves)
    allowed = [step for step in recipe.steps if ruled[step.transform].allowed]
    return [_applied(step, ruled[step.transform], rng) for step in _chosen(recipe, allowed, rng)]


def _chosen(recipe: Recipe, allowed: list[Step], rng: np.random.Generator) -> list[Step]:
    """Toss each step's coin; then drop at random down to the most, or take one if none fell."""
    if not allowed:
        return []
    taken = [i for i, step in enumerate(allowed) if rng.random() < step.probability]
    if not taken:
        taken = [int(rng.integers(len(allowed)))]
    kept = rng.permutation(taken)[: recipe.at_most]
    return [allowed[i] for i in sorted(kept.tolist())]


def _applied(step: Step, ruling: Ruling, rng: np.random.Generator) -> Applied:
    transform = find(step.transform)
    drawn = transform.draw(rng, **ruling.limits)
    return Applied(transform.name, drawn, transform.version)
