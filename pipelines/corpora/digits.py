"""The `digits` corpus: questions about pictures composed from 1,797 real handwritten digits.

The digits ship with scikit-learn (UCI Optical Recognition of Handwritten Digits), so nothing is
downloaded. Every fifth source digit is held out: it appears in test pictures and nowhere else.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.demo import DEMO_LICENCE, draw_level, each_split, lettered
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, Split, ask

CELL = 16
"""Pixels on each side of a digit's cell; a picture has up to four cells in a row."""
ROW = 4

LEVELS: dict[tuple[str, int], float] = {
    ("read", 1): 4,
    ("read", 2): 4,
    ("read", 3): 4,
    ("read", 6): 4,
    ("add", 2): 8,
    ("add", 3): 12,
    ("add", 5): 6,
    ("add", 6): 6,
    ("add", 7): 6,
    ("add", 8): 6,
    ("count", 3): 5,
    ("count", 4): 5,
    ("count", 8): 4,
    ("largest", 2): 5,
    ("largest", 3): 5,
    ("largest", 8): 4,
    ("next", 3): 4,
    ("larger", 2): 4,
    ("choose", 2): 4,
}
"""How often each question is asked of how many digits. The small ones are soon trivial for a tiny
policy and the large ones stay impossible, so that a pool has something to curate."""


class Question(NamedTuple):
    """What is asked about a row of digits, with its answer."""

    text: str
    answer: Answer
    tags: tuple[str, ...] = ("ocr",)


def digits(*, seed: int = 0, size: int = 1200, held_out: int = 300) -> Iterator[Sample]:
    """Compose `size` training pictures, then `held_out` test pictures from unseen digits.

    A larger size only adds samples at the end of each split.
    """
    for split, number, rng in each_split("digits", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, count = draw_level(rng, LEVELS)
    sources = _sources(split)
    chosen = rng.choice(sources, count, replace=False)
    images, labels = _handwriting()
    values = [int(labels[index]) for index in chosen]
    question = QUESTIONS[asked](values, rng)
    picture = Media.of_bytes(_draw([images[index] for index in chosen], rng), "image")
    return Sample(
        prompt=ask(question.text, picture),
        media=(picture,),
        answer=question.answer,
        task=f"digits/{asked}",
        tags=question.tags,
        corpus="digits",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=DEMO_LICENCE,
        steps=tuple(str(value) for value in values) if count > 1 else (),
    )


def _read(values: Sequence[int], rng: np.random.Generator) -> Question:
    return Question("read the digits", Answer.text("".join(map(str, values))))


def _add(values: Sequence[int], rng: np.random.Generator) -> Question:
    return Question("add the digits", Answer.number(sum(values)))


def _count(values: Sequence[int], rng: np.random.Generator) -> Question:
    wanted = int(rng.choice(values)) if rng.random() < 0.8 else int(rng.integers(10))
    answer = Answer.number(values.count(wanted))
    return Question(f"how many {wanted}s?", answer, ("ocr", "counting"))


def _largest(values: Sequence[int], rng: np.random.Generator) -> Question:
    return Question("largest digit?", Answer.number(max(values)))


def _next(values: Sequence[int], rng: np.random.Generator) -> Question:
    at = int(rng.integers(1, len(values)))
    answer = Answer.number(values[at])
    # The first place of a repeated digit is meant, so ask by place instead.
    return Question(f"digit {at + 1} from left?", answer, ("ocr", "direction"))


def _larger(values: Sequence[int], rng: np.random.Generator) -> Question:
    answer = Answer.bool(values[0] > values[1])
    return Question("left one larger?", answer, ("ocr", "direction"))


def _choose(values: Sequence[int], rng: np.random.Generator) -> Question:
    total = sum(values)
    others = [other for other in range(max(0, total - 4), total + 5) if other != total]
    options = [str(o) for o in rng.permutation([total, *rng.choice(others, 2, replace=False)])]
    letter = "ABC"[options.index(str(total))]
    return Question(f"add the digits\n{lettered(options)}", Answer.choice(letter, options))


QUESTIONS: dict[str, Callable[[Sequence[int], np.random.Generator], Question]] = {
    "read": _read,
    "add": _add,
    "count": _count,
    "largest": _largest,
    "next": _next,
    "larger": _larger,
    "choose": _choose,
}


def _draw(scans: Sequence[NDArray[np.uint8]], rng: np.random.Generator) -> bytes:
    """Lay 8x8 scans out on paper, in reading order, and encode the picture as PNG."""
    columns = min(len(scans), ROW)
    rows = -(-len(scans) // ROW)
    paper = np.zeros((rows * CELL, columns * CELL), np.uint8)
    for place, scan in enumerate(scans):
        ink = cv2.resize(scan, (CELL - 2, CELL - 2), interpolation=cv2.INTER_LINEAR)
        top, left = rng.integers(0, 3, 2) + np.array(divmod(place, ROW)) * CELL
        paper[top : top + CELL - 2, left : left + CELL - 2] = ink
    return cv2.imencode(".png", 255 - paper)[1].tobytes()


@cache
def _handwriting() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load the scans as ink from 0 to 255, [N, 8, 8], and their labels."""
    from sklearn.datasets import load_digits

    scans = load_digits()
    return (scans.images * 15.9375).astype(np.uint8), scans.target.astype(np.int64)


@cache
def _sources(split: Split) -> NDArray[np.int64]:
    """Tell which source digits a split may use: the same ones for every seed."""
    every = np.arange(len(_handwriting()[1]))
    return every[(every % 5 == 4) == (split == "test")]
