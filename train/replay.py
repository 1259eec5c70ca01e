"""Selective sample replay: groups that had signal stand in for groups without (VL-Rethinker,
arXiv 2504.08837, section 3.1; as a cache also in Skywork-R1V2, arXiv 2504.16656).

A stored group keeps its answers, its advantages and the log-probabilities under the policy that
gave them, so that the ratio of its replay is the true one and clipping holds; the question itself
is rendered again. Groups are drawn with P(j) = |A_j|^alpha / sum of |A_k|^alpha, |A_j| being the
mean over the group. What is stale or worn is dropped: by age, and by how often it was used.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field


class ReplaySettings(BaseModel):
    """What is kept of past steps, and how it comes back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: int = Field(default=64, ge=1)
    """Most groups kept on each process; the oldest goes first."""
    alpha: float = Field(default=1.0, ge=0)
    """Exponent of |advantage| in the chance to be drawn; 0 draws all alike."""
    max_age: int = Field(default=32, ge=1)
    """Steps after which a group is dropped: its answers are those of an older policy."""
    max_uses: int = Field(default=2, ge=1)
    """Times that a group comes back at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A group of G answers that had signal, as it was when it was drawn."""

    row: int
    lane: int
    completion_ids: list[list[int]]
    advantages: list[float]
    logps: list[list[float]]
    """Of the answers' tokens, under the policy that gave them."""
    ref_logps: list[list[float]] | None
    """Under the reference model, where the loss has a KL term."""
    born: int
    """Step in which it was drawn."""
    uses: int = 0

    @property
    def weight(self) -> float:
        """Mean |advantage|."""
        return float(np.mean(np.abs(self.advantages)))


class ReplayBuffer:
    """The groups of past steps that had signal, oldest first."""

    def __init__(self, settings: ReplaySettings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.groups: list[Stored] = []

    def __len__(self) -> int:
        return len(self.groups)

    def add(self, groups: Sequence[Stored]) -> None:
        """Keep the groups that had signal; the oldest go when there are too many."""
        self.groups += [group for group in groups if group.weight > 0]
        self.groups = self.groups[-self.settings.groups :]

    def draw(
        self, count: int, *, lane: int, step: int, without: Sequence[int] = ()
    ) -> list[Stored]:
        """Draw up to `count` different groups of a lane, none of the rows `without`.

        Fewer, or none, where the buffer does not hold as many.
        """
        self._drop_stale(step)
        open_ = [
            i for i, g in enumerate(self.groups) if g.lane == lane and g.row not in set(without)
        ]
        if not open_ or count < 1:
            return []
        rng = np.random.default_rng([self.seed, step])
        chances = self.chances(open_)
        drawn = rng.choice(open_, size=min(count, len(open_)), replace=False, p=chances)
        chosen = [self.groups[int(i)] for i in drawn]
        for i in drawn:
            self.groups[int(i)] = replace(self.groups[int(i)], uses=self.groups[int(i)].uses + 1)
        return chosen

    def chances(self, among: Sequence[int]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """How probable each of these groups is to be drawn first."""
        weights = np.array([self.groups[i].weight for i in among]) ** self.settings.alpha
        return np.asarray(weights / weights.sum())

    def save(self, path: Path) -> None:
        """Write the groups into a file."""
        rows = [asdict(group) for group in self.groups]
        known = pa.table({"group": [json.dumps(row) for row in rows]})
        pq.write_table(known, path, compression="zstd")

    def load(self, path: Path) -> None:
        """Read the groups that a checkpoint kept."""
        rows: list[Mapping[str, str]] = pq.read_table(path).to_pylist()
        self.groups = [Stored(**json.loads(row["group"])) for row in rows]

    def _drop_stale(self, step: int) -> None:
        limits = self.settings
        self.groups = [
            group
            for group in self.groups
            if step - group.born <= limits.max_age and group.uses < limits.max_uses
        ]
