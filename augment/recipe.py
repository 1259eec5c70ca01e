"""What a recipe is: a named mix of transforms, each with its strength and its share of the copies."""

from dataclasses import dataclass, field

from augment.errors import AugmentError
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
    """A named mix of transforms for one medium, and for the words that ask about it."""

    name: str
    version: int
    """Goes up whenever the same generator would draw something else."""
    medium: Medium
    """What samples it is for; one for text is for all, since every sample has a question."""
    steps: tuple[Step, ...]
    """In the order in which they are applied."""
    at_most: int = 2
    """Transforms in one copy."""
    content: str = ""
    """Hash of what the recipe says, where it is somebody's own and may change under its name."""
    about: str = ""

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
        """Name, version and, of one's own, the hash of its content, as a view records them."""
        return f"{self.name}@{self.version}" + (f"-{self.content}" if self.content else "")

    @property
    def media(self) -> tuple[Medium, ...]:
        """The media of the transforms that it may have: frames are pictures, all have words."""
        own: tuple[Medium, ...] = (
            (self.medium, "image") if self.medium == "video" else (self.medium,)
        )
        return tuple(dict.fromkeys((*own, "text")))

    def _check(self, step: Step) -> None:
        """Refuse a step that could never be drawn as it is written."""
        transform = find(step.transform)
        if transform.medium not in self.media:
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
