"""Answers as shaping sees them: P groups of G answers to one question each, and what comes out."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.rewards import Score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBatch:
    """The graded answers of one generation batch, over all processes."""

    values_PG: Floats
    """What the verifier gave; nan: unscored."""
    right_PG: Bools
    """What the verifier called right; an unscored answer is not."""
    tokens_PG: Floats
    """Lengths, in tokens."""
    truncated_PG: Bools
    """Whether an answer was cut at `max_tokens`."""
    max_tokens: int
    """Longest answer there can be."""
    complexity_P: Floats
    """Of each question's picture; nan where it has none."""

    @classmethod
    def of(
        cls,
        scores: Sequence[Score],
        *,
        tokens: Sequence[int],
        truncated: Sequence[bool],
        groups: Sequence[Hashable],
        group: int,
        max_tokens: int,
        complexities: Sequence[float | None] | None = None,
    ) -> Self:
        """Lay flat lists, one element per answer, out in groups of `group` answers.

        `groups` says to which question each answer belongs, since a place in a list proves
        nothing once groups were filtered or refilled. Raises ValueError when it is not what the
        layout makes of it, or when a list is too short.
        """
        n = len(scores)
        if group < 1 or n % group or {len(tokens), len(truncated), len(groups)} != {n}:
            raise ValueError(f"{n} answers with their lengths are no groups of {group}")
        blocks = [groups[start : start + group] for start in range(0, n, group)]
        if any(len(set(block)) > 1 for block in blocks):
            raise ValueError(f"answers to different questions stand in one group of {group}")
        scored = [score.correct is not None for score in scores]
        given = [s.value if known else np.nan for s, known in zip(scores, scored, strict=True)]
        values = np.array(given, dtype=np.float64).reshape(-1, group)
        values[~np.isfinite(values)] = np.nan
        right = np.array([score.correct is True for score in scores], bool).reshape(-1, group)
        pictures = [None] * n if complexities is None else complexities
        complexity = np.array([np.nan if c is None else c for c in pictures[::group]], np.float64)
        return cls(
            values_PG=values,
            right_PG=right & ~np.isnan(values),
            tokens_PG=np.array(tokens, dtype=np.float64).reshape(-1, group),
            truncated_PG=np.array(truncated, dtype=bool).reshape(-1, group),
            max_tokens=max_tokens,
            complexity_P=complexity,
        )

    @property
    def scored_PG(self) -> Bools:
        """What the verifier had an opinion of."""
        scored: Bools = ~np.isnan(self.values_PG)
        return scored


@dataclass(frozen=True, slots=True)
class Shaped:
    """The rewards that the trainer gets, and what was added to the verifier's."""

    rewards_PG: Floats
    """nan: unscored, as before."""
    parts: Mapping[str, Floats] = field(default_factory=dict)
    """What each term added, by name and shaped [P, G]; nan where the answer is unscored."""
    held_back_P: Bools = field(default_factory=lambda: np.zeros(0, bool))
    """Groups to which less was added, or nothing, so that right stays above wrong."""

    def of_groups(self, groups: slice) -> "Shaped":
        """Give what concerns some of the groups."""
        parts = {name: part[groups] for name, part in self.parts.items()}
        return Shaped(self.rewards_PG[groups], parts, self.held_back_P[groups])

    @property
    def rewards(self) -> list[float | None]:
        """One reward per answer, in the order in which they came; None: unscored."""
        return [None if np.isnan(r) else float(r) for r in self.rewards_PG.ravel()]

    @property
    def components(self) -> list[dict[str, float]]:
        """What was added to each answer, as `shaping.length` and so on, for its grade."""
        flat = {f"shaping.{name}": part.ravel() for name, part in self.parts.items()}
        return [
            {name: float(part[i]) for name, part in flat.items() if not np.isnan(part[i])}
            for i in range(self.rewards_PG.size)
        ]

    @property
    def metrics(self) -> dict[str, float]:
        """Means over the scored answers, for the curves of a run."""
        known = {f"shaping/{name}": part[~np.isnan(part)] for name, part in self.parts.items()}
        means = {name: float(part.mean()) for name, part in known.items() if part.size}
        if self.parts and self.held_back_P.size:
            means["shaping/held_back"] = float(self.held_back_P.mean())
        return means
