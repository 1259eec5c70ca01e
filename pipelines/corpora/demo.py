"""What the three demo corpora share: numbered samples, levels of difficulty, written options."""

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipelines.record.sample import Split

DEMO_LICENCE = "Apache-2.0"


def each_split(
    corpus: str, seed: int, size: int, held_out: int
) -> Iterator[tuple[Split, int, np.random.Generator]]:
    """Number the samples of both splits, each with a random generator of its own.

    So a larger size repeats the smaller one and adds to its end.
    """
    splits: tuple[tuple[Split, int], ...] = (("train", size), ("test", held_out))
    for split, count in splits:
        name = zlib.crc32(f"{corpus}/{split}".encode())
        for number in range(count):
            yield split, number, np.random.default_rng([seed, name, number])


def draw_level(
    rng: np.random.Generator, levels: Mapping[tuple[str, int], float]
) -> tuple[str, int]:
    """Choose what to ask and at which level, by weight."""
    weights = np.fromiter(levels.values(), float)
    return list(levels)[rng.choice(len(levels), p=weights / weights.sum())]


def lettered(options: Sequence[str]) -> str:
    """Write options one a line, as `A) 7`."""
    return "\n".join(f"{chr(ord('A') + place)}) {text}" for place, text in enumerate(options))
