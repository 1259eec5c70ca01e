"""The `beeps` corpus: questions about synthesised tones, kept as WAV clips."""

import io
import wave
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.demo import DEMO_LICENCE, draw_level, each_split
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, Split, ask

RATE = 8000
PITCHES = (300.0, 480.0, 770.0, 1230.0, 1970.0)
LEVELS: dict[tuple[str, int], float] = {
    ("count", 1): 2,
    ("count", 2): 4,
    ("count", 3): 5,
    ("count", 4): 5,
    ("count", 8): 3,
    ("count", 9): 3,
    ("higher", 5): 6,
    ("higher", 1): 3,
}


def beeps(*, seed: int = 0, size: int = 600, held_out: int = 150) -> Iterator[Sample]:
    for split, number, rng in each_split("beeps", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, level = draw_level(rng, LEVELS)
    if asked == "count":
        bands = rng.integers(len(PITCHES), size=level)
        tones = [PITCHES[b] * rng.uniform(0.92, 1.08) for b in bands]
        text, answer, tags = "how many beeps?", Answer.number(level), ("events",)
    else:
        if level == 1:
            bands = np.repeat(rng.integers(len(PITCHES)), 2)
            base = PITCHES[bands[0]] * rng.uniform(0.95, 1.05)
            ratio = rng.uniform(1.005, 1.015)
            tones = [base, base * ratio] if rng.random() < 0.5 else [base * ratio, base]
        else:
            bands = rng.choice(len(PITCHES), 2, replace=False)
            tones = [PITCHES[b] * rng.uniform(0.92, 1.08) for b in bands]
        text, answer, tags = (
            "second higher?",
            Answer.bool(tones[1] > tones[0]),
            ("pitch",),
        )
    clip = Media.of_bytes(_wav(_synthesise(tones, rng)), "audio")
    return Sample(
        prompt=ask(text, clip),
        media=(clip,),
        answer=answer,
        task=f"beeps/{asked}",
        tags=tags,
        corpus="beeps",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=DEMO_LICENCE,
        steps=tuple(str(b + 1) for b in bands) if len(bands) > 1 else (),
    )


def _synthesise(tones: list[float], rng: np.random.Generator) -> NDArray[np.float64]:
    parts = []
    for pitch in tones:
        gap = np.zeros(int(RATE * rng.uniform(0.06, 0.12)))
        length = int(RATE * rng.uniform(0.08, 0.14))
        t = np.arange(length) / RATE
        fade = np.minimum(1, np.minimum(t, t[::-1]) / 0.01)
        parts += [gap, rng.uniform(0.3, 0.8) * fade * np.sin(2 * np.pi * pitch * t)]
    parts.append(np.zeros(int(RATE * rng.uniform(0.05, 0.4))))
    clip = np.concatenate(parts)
    return clip + rng.normal(0, rng.uniform(0.002, 0.02), len(clip))


def _wav(samples: NDArray[np.float64]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
