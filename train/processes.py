"""The processes of one run, as `accelerate launch` starts them; usually there is one.

The first one does everything that is done once: it speaks to the catalog, measures and writes.
The others wait for it, and train with it.
"""

import os
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Processes:
    """How many train together, and which one this is."""

    count: int = 1
    rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this one does what is done once."""
        return self.rank == 0

    def share(self, value: T) -> T:
        """Give every process what the first one has; the others wait for it."""
        if self.count == 1:
            return value
        from accelerate.utils import broadcast_object_list

        shared: list[Any] = [value]
        broadcast_object_list(shared)
        return shared[0]  # type: ignore[no-any-return]

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()


def processes() -> Processes:
    """Join the others, where a launcher has started several."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return Processes()
    import torch
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Processes(state.num_processes, state.process_index)
