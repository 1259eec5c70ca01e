"""The `beeps` corpus: questions about synthesised tones, kept as WAV clips.

Test clips are made of tones that lie between the training tones, so none was heard in training.
"""

import io
import wave
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.demo import DEMO_LICENCE, draw_level, each_split
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, Split, ask

RATE = 8000
"""Samples a second; 16-bit mono."""
BANDS = (300.0, 480.0, 770.0, 1230.0, 1970.0)
"""Middle of each pitch band in hertz; the reference steps name bands, 1 for the lowest."""
TONES = 24
"""Tones in a band, spread over 8% to each side of its middle."""

LEVELS: dict[tuple[str, int], float] = {
    ("count", 1): 3,
    ("count", 2): 3,
    ("count", 3): 4,
    ("count", 4): 4,
    ("count", 7): 5,
    ("count", 8): 5,
    ("count", 9): 5,
    ("higher", 5): 5,
    ("higher", 1): 3,
}
"""How often each question is asked: by number of beeps, or by number of bands that two tones come
from. Many beeps, and neighbouring tones of one band, are beyond a tiny policy."""


def beeps(*, seed: int = 0, size: int = 360, held_out: int = 96) -> Iterator[Sample]:
    """Synthesise `size` training clips, then `held_out` test clips of unseen tones."""
    for split, number, rng in each_split("beeps", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, level = draw_level(rng, LEVELS)
    if asked == "count":
        bands = rng.integers(len(BANDS), size=level)
        tones = rng.integers(TONES, size=level)
        text, tag, answer = "how many beeps?", "events", Answer.number(level)
    else:
        bands, tones = _two_tones(level, rng)
        higher = bool(bands[1] * TONES + tones[1] > bands[0] * TONES + tones[0])
        text, tag, answer = "second higher?", "pitch", Answer.bool(higher)
    clip = Media.of_bytes(_wav(_synthesise(pitches(split)[bands, tones], rng)), "audio")
    return Sample(
        prompt=ask(text, clip),
        media=(clip,),
        answer=answer,
        task=f"beeps/{asked}",
        tags=(tag,),
        corpus="beeps",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=DEMO_LICENCE,
        steps=tuple(str(band + 1) for band in bands) if len(bands) > 1 else (),
    )


def pitches(split: Split) -> NDArray[np.float64]:
    """Tell the tones of a split in hertz, [bands, tones], rising."""
    places = (np.arange(TONES) + (0.5 if split == "test" else 0.0)) / TONES
    return np.outer(BANDS, 0.92 + 0.16 * places)


def _two_tones(bands: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw two tones from different bands, or two neighbours of one band."""
    if bands > 1:
        return rng.choice(bands, 2, replace=False), rng.integers(TONES, size=2)
    low = int(rng.integers(TONES - 1))
    return np.repeat(rng.integers(len(BANDS)), 2), rng.permutation([low, low + 1])


def _synthesise(tones: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Play tones [N] in hertz one after another, with silences of varied length and some noise."""
    parts = []
    for pitch in tones:
        silence = np.zeros(int(RATE * rng.uniform(0.06, 0.12)))
        time = np.arange(int(RATE * rng.uniform(0.08, 0.14))) / RATE
        fade = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
        parts += [silence, rng.uniform(0.3, 0.8) * fade * np.sin(2 * np.pi * pitch * time)]
    # The length of the clip alone must not give the number of beeps away.
    clip = np.concatenate([*parts, np.zeros(int(RATE * rng.uniform(0.05, 0.4)))])
    return clip + rng.normal(0.0, rng.uniform(0.002, 0.02), len(clip))


def _wav(samples: NDArray[np.float64]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(RATE)
        clip.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
