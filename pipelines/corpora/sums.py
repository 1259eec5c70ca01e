"""The `sums` corpus: arithmetic in text, worked out in several steps."""

import zlib
from collections.abc import Iterator
from itertools import accumulate

import numpy as np

from pipelines.corpora.demo import DEMO_LICENCE, draw_level, each_split
from pipelines.record.sample import Answer, Sample, Split, ask

LEVELS: dict[tuple[str, int], float] = {
    ("chain", 2): 3,
    ("chain", 3): 6,
    ("chain", 4): 5,
    ("chain", 8): 4,
    ("check", 3): 3,
    ("product", 2): 4,
    ("product", 3): 4,
}


def sums(*, seed: int = 0, size: int = 600, held_out: int = 150) -> Iterator[Sample]:
    for split, number, rng in each_split("sums", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, level = draw_level(rng, LEVELS)
    while True:
        if asked == "product":
            a, b = (int(x) for x in rng.integers(10 ** (level - 1), 10**level, 2))
            expression, total = f"{a}*{b}", a * b
            parts = [a * int(d) * 10**i for i, d in enumerate(reversed(str(b)))]
            steps = tuple(str(p) for p in parts)
        else:
            terms = [int(x) for x in rng.integers(1, 6 if level < 8 else 10, level)]
            expression, total = "+".join(map(str, terms)), sum(terms)
            steps = tuple(str(t) for t in list(accumulate(terms))[1:])
        if (zlib.crc32(expression.encode()) % 5 == 4) == (split == "test"):
            break
    steps = steps if len(steps) > 1 else ()
    text, answer = f"{expression}=?", Answer.number(total)
    if asked == "check":
        claim = total if rng.random() < 0.5 else total + int(rng.choice([-2, -1, 1, 2]))
        text, answer = f"{expression}={claim}?", Answer.bool(claim == total)
    return Sample(
        prompt=ask(text),
        answer=answer,
        task=f"sums/{asked}",
        tags=(),
        corpus="sums",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=DEMO_LICENCE,
        steps=steps,
    )
