"""Everything that training adds to the verifier's reward, once per generation batch.

What is added never lets a wrong answer reach a right one of its group: settings that could are
refused, and where the verifier's own values lie closer than a point (an overlap of .51 beside
one of .49), what is added to that group shrinks with the gap. `correct` is not touched: dynamic
sampling and the share of groups without signal are about accuracy, never about shaped rewards.
"""

from dataclasses import dataclass

import numpy as np

from train.shaping.groups import Floats, GroupBatch, Shaped
from train.shaping.settings import ShapingSettings
from train.shaping.terms import fast_length, kimi_length, room, soft_overlong

LENGTH_TERMS = {"kimi": kimi_length, "fast": fast_length}


@dataclass(frozen=True, slots=True)
class Shaping:
    """Adds to rewards what the settings name."""

    settings: ShapingSettings

    @property
    def on(self) -> bool:
        """Whether it ever adds anything."""
        return self.settings.length != "off" or self.settings.overlong > 0

    @property
    def wants_complexity(self) -> bool:
        """Whether it looks at how complex pictures are."""
        return self.settings.length == "fast"

    def apply(self, batch: GroupBatch, progress: float) -> Shaped:
        """Shape the rewards of one batch; `progress` is the share of the run that is done.

        Unscored stays unscored; what is added lies within [-1, 1]. Never raises.
        """
        terms = self._terms(batch, progress) if batch.values_PG.size else {}
        if not terms:
            return Shaped(batch.values_PG.copy())
        room_P = room(batch)
        parts = {
            name: np.where(batch.scored_PG, weight * room_P[:, None] * term_PG, np.nan)
            for name, (weight, term_PG) in terms.items()
        }
        added_PG = np.sum(list(parts.values()), axis=0)
        held_back_P = (room_P < 1.0) & batch.scored_PG.any(axis=1)
        return Shaped(batch.values_PG + added_PG, parts, held_back_P)

    def _terms(self, batch: GroupBatch, progress: float) -> dict[str, tuple[float, Floats]]:
        """Give the terms that are on by now, each with its weight."""
        settings, terms = self.settings, dict[str, tuple[float, Floats]]()
        if settings.length != "off" and progress >= settings.length_after:
            terms["length"] = settings.weight, LENGTH_TERMS[settings.length](batch)
        if settings.overlong:
            terms["overlong"] = settings.overlong, soft_overlong(batch, settings.overlong_buffer)
        return terms
