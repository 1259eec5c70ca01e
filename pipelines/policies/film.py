"""A video as a policy that takes pictures sees it: some of its frames, evenly spaced.

Steps of a view that leave frames out are done first, so that as many are shown as of the original;
what is done to pictures is then done to those that are shown, with the same numbers for each.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from augment.history import Applied, replay
from augment.transforms import find
from augment.video import Frames
from pipelines.record.media import sample_frames


def shown_frames(data: bytes, history: Sequence[Applied], count: int) -> NDArray[np.uint8]:
    """Give at most `count` frames [T, height, width, 3] of a video after a view's steps.

    Raises BadMedia when it does not decode, and AugmentError when the steps leave nothing of it.
    """
    choosing = [step for step in history if _chooses(step)]
    painting = [step for step in history if not _chooses(step)]
    frames, _ = sample_frames(data, count, lambda total: left(total, choosing))
    return replay(Frames(frames, Fraction(1)), painting).pixels


def left(total: int, steps: Sequence[Applied]) -> Sequence[int]:
    """Tell which of so many frames are left by steps that leave some out, by number."""
    if not steps:
        return range(total)
    # The steps are done to a film of one pixel, whose colour is the number of the frame.
    numbered = np.arange(total, dtype="<u4").view(np.uint8).reshape(total, 1, 1, 4)[..., :3]
    film = replay(Frames(np.ascontiguousarray(numbered), Fraction(1)), steps).pixels
    values: list[int] = (film.reshape(-1, 3) @ np.array([1, 2**8, 2**16])).tolist()
    return values


def _chooses(step: Applied) -> bool:
    return find(step.name, step.version).medium == "video"
