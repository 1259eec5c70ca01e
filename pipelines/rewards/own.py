"""Rewards of the user's own: a file that curricle.toml names, or an entry point of a package.

Their code never runs in this process, so none can hang it, end it or change it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from pipelines.record.canonical import content_hash
from pipelines.record.sample import Reference
from pipelines.rewards.registry import sound
from pipelines.rewards.score import Score, unscored
from pipelines.worker import NoAnswer, Pool

GROUP = "curricle.rewards"
SECONDS = 30.0


@dataclass(frozen=True)
class OwnReward:
    """A grader in a process of its own, versioned by the hash of its source."""

    name: str
    module: str
    """A Python file, or the name of a module."""
    function: str
    """The grader in it; empty for the one that is decorated."""
    source: str = field(repr=False)
    seconds: float = SECONDS
    """Patience with one completion."""

    waits = True

    @cached_property
    def reward_id(self) -> str:
        """Its name and the hash of its source."""
        return f"{self.name}@1-{content_hash([self.source, self.function])[:8]}"

    def grade(self, reference: Reference, completion: str) -> Score:
        """Grade a completion. Never raises: what goes wrong leaves it unscored and says why."""
        question = {"reference": reference.as_json(), "completion": completion}
        try:
            said = self._pool.ask(question, self.seconds)
        except NoAnswer as error:
            return unscored(f"reward {self.name!r} {error}")
        if "problem" in said:
            return unscored(f"reward {self.name!r} {said['problem']}")
        return sound(self.name, Score(**said))

    @cached_property
    def _pool(self) -> Pool:
        return Pool("pipelines.rewards.own_worker", self.module, self.function)


def reward_in_file(
    name: str, path: Path, function: str = "", seconds: float = SECONDS
) -> OwnReward:
    """Take a reward from a Python file. Raises OSError where there is none."""
    return OwnReward(name, str(path), function, path.read_text(encoding="utf-8"), seconds)


def installed_rewards() -> Mapping[str, EntryPoint]:
    """The rewards that installed packages offer, by name; none is loaded."""
    return {point.name: point for point in entry_points(group=GROUP)}


def installed_reward(point: EntryPoint) -> OwnReward:
    """Take a reward from a package. Raises LookupError where its source cannot be found."""
    try:
        spec = find_spec(point.module)
    except ImportError as error:
        raise LookupError(f"{point.value}: {error}") from error
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise LookupError(f"{point.value} has no Python source")
    source = Path(spec.origin).read_text(encoding="utf-8")
    return OwnReward(point.name, point.module, point.attr, source)
