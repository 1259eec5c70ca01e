"""What goes into one update on one process: slots, each filled with a group of some draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from train.step import Group
from train.step_batch import put_together

SAME = 1e-3
"""Mean |advantage| up to which a group's rewards are equal: rounding leaves about 1e-5."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Groups with the tensors that TRL makes of them; group g has the rows from g * G on."""

    output: dict[str, Any]
    groups: Sequence[Group]


@dataclass(slots=True)
class Update:
    """The slots of an update: as many groups as the batch has prompts on this process."""

    draws: list[Drawn]
    slots: list[tuple[int, int]] = field(default_factory=list)
    """For each slot the number of the draw and the group in it."""

    def __post_init__(self) -> None:
        self.slots = [(0, place) for place in range(len(self.draws[0].groups))]

    def group(self, slot: int) -> Group:
        """The group that fills a slot now."""
        draw, place = self.slots[slot]
        return self.draws[draw].groups[place]

    def put(self, drawn: Drawn, places: Sequence[int], slots: Sequence[int]) -> None:
        """Let groups of a further draw take slots, one each while there are both."""
        self.draws.append(drawn)
        number = len(self.draws) - 1
        for slot, place in zip(slots, places, strict=False):
            self.slots[slot] = (number, place)

    def output(self, group: int, pad_token: int) -> dict[str, Any]:
        """The tensors of the update, row by row from the draws that fill its slots."""
        if len(self.draws) == 1:
            return dict(self.draws[0].output)
        rows = [(draw, place * group + k) for draw, place in self.slots for k in range(group)]
        return put_together([draw.output for draw in self.draws], rows, pad_token)

    def told(self, left_out: Sequence[int]) -> list[list[Group]]:
        """The groups of each draw, with whether the update learned from them."""
        entered = {place for slot, place in enumerate(self.slots) if slot not in left_out}
        return [
            [replace(g, entered=(number, place) in entered) for place, g in enumerate(drawn.groups)]
            for number, drawn in enumerate(self.draws)
        ]
