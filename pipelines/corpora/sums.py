"""The `sums` corpus: arithmetic in text, worked out in several steps.

Every fifth expression, by hash, is held out: it is asked in the test split and nowhere else.
"""

import zlib
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from pipelines.corpora.demo import DEMO_LICENCE, draw_level, each_split
from pipelines.record.sample import Answer, Sample, Split, ask

LEVELS: dict[tuple[str, int], float] = {
    ("chain", 2): 3,
    ("chain", 3): 5,
    ("chain", 4): 5,
    ("chain", 8): 6,
    ("check", 3): 3,
    ("product", 2): 4,
    ("product", 3): 4,
}
"""How often each question is asked: chains by their number of terms, products by the digits of
each factor. A tiny policy soon adds two terms and never multiplies."""


class Expression(NamedTuple):
    """Something to work out, with the results on the way to its value."""

    text: str
    value: int
    steps: tuple[str, ...]


def sums(*, seed: int = 0, size: int = 240, held_out: int = 64) -> Iterator[Sample]:
    """Write `size` training questions, then `held_out` test questions of unseen expressions."""
    for split, number, rng in each_split("sums", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, level = draw_level(rng, LEVELS)
    draw = _product if asked == "product" else _chain
    expression = draw(level, rng)
    while split_of(expression.text) != split:
        expression = draw(level, rng)
    text, answer = f"{expression.text}=?", Answer.number(expression.value)
    if asked == "check":
        claim = expression.value + int(rng.choice([0, 0, 0, 0, -2, -1, 1, 2]))
        text, answer = f"{expression.text}={claim}?", Answer.bool(claim == expression.value)
    return Sample(
        prompt=ask(text),
        answer=answer,
        task=f"sums/{asked}",
        corpus="sums",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=DEMO_LICENCE,
        steps=expression.steps,
    )


def split_of(expression: str) -> Split:
    """Tell which split an expression belongs to."""
    return "test" if zlib.crc32(expression.encode()) % 5 == 4 else "train"


def _chain(terms: int, rng: np.random.Generator) -> Expression:
    """Add up numbers from 1 to 5, or to 9 in a long chain; the steps are the running totals."""
    numbers = rng.integers(1, 6 if terms < 5 else 10, terms).tolist()
    totals = list(accumulate(numbers))[1:]
    steps = tuple(map(str, totals)) if terms > 2 else ()
    return Expression("+".join(map(str, numbers)), totals[-1], steps)


def _product(figures: int, rng: np.random.Generator) -> Expression:
    """Multiply two numbers; the steps are the partial products, ones first."""
    left, right = rng.integers(10 ** (figures - 1), 10**figures, 2).tolist()
    parts = (left * int(figure) * 10**place for place, figure in enumerate(str(right)[::-1]))
    return Expression(f"{left}*{right}", left * right, tuple(map(str, parts)))
