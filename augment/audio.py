"""Everything that can be done to sound, one kind in each module; a clip is one channel."""

from augment import (
    codec,
    loudness,
    masking,
    noise_clips,
    noises,
    rooms,
    stretching,
)
from augment.clip import Clip, from_channels

__all__ = ["TRANSFORMS", "Clip", "from_channels"]

TRANSFORMS = (
    *noises.TRANSFORMS,
    *noise_clips.TRANSFORMS,
    *stretching.TRANSFORMS,
    *rooms.TRANSFORMS,
    *loudness.TRANSFORMS,
    *masking.TRANSFORMS,
    *codec.TRANSFORMS,
)
