"""What is asked about a sample to see what its right answers are worth: the views of each probe.

The blind probe takes the media away: what a policy answers right without looking does not teach
it to look (image-blindness; PAPO, arXiv 2507.06448). The shuffle probe moves the options of a
choice: who knows names the same option wherever it stands.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from augment.text import CannotShuffle, cyclic_orders
from pipelines.policies.showing import View, as_shown
from pipelines.record.canonical import Json
from pipelines.record.sample import Sample


class CannotProbe(ValueError):
    """A sample about which a probe has nothing to ask; `reason` is a short name to count by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Probe(Protocol):
    """One way to show samples otherwise than they are."""

    @property
    def purpose(self) -> str:
        """Under which purpose its answers are stored."""
        ...

    @property
    def identity(self) -> Json:
        """What decides its views, for the id of a job."""
        ...

    def views(self, sample: Sample) -> list[View]:
        """Give what is asked about a sample. Raises CannotProbe when there is nothing."""
        ...


@dataclass(frozen=True, slots=True)
class BlindProbe:
    """What is right without looking or listening does not teach to look."""

    how: Literal["blanked", "withheld"] = "blanked"
    """Grey pictures and silence of the same size, or a prompt without media."""

    @property
    def purpose(self) -> str:
        """Under which purpose its answers are stored."""
        return "blind"

    @property
    def identity(self) -> Json:
        """What decides its views, for the id of a job."""
        return self.how

    def views(self, sample: Sample) -> list[View]:
        """Give the one blind view; a sample without media has nothing to withhold."""
        if not sample.media:
            raise CannotProbe("text_only")
        return [{"blind": self.how}]


@dataclass(frozen=True, slots=True)
class ShuffleProbe:
    """Who knows names the same option wherever it stands; who guesses, or loves a letter, flips."""

    permutations: int = 3
    """Most shifts of the options; one fewer than there are options bring each to every place."""

    @property
    def purpose(self) -> str:
        """Under which purpose its answers are stored."""
        return "shuffle"

    @property
    def identity(self) -> Json:
        """What decides its views, for the id of a job."""
        return self.permutations

    def views(self, sample: Sample) -> list[View]:
        """Give the shifts of a choice's options; some lists cannot be moved."""
        if sample.answer.kind != "choice":
            raise CannotProbe("no_choice")
        shifts = cyclic_orders(len(sample.answer.options), self.permutations)
        views: list[View] = [{"options": order} for order in shifts]
        try:
            for view in views:
                as_shown(sample, view)
        except CannotShuffle as refused:
            raise CannotProbe(refused.reason) from refused
        return views
