"""The `digits` corpus: questions about pictures composed from 1,797 real handwritten digits.

The scans ship with scikit-learn (UCI, Optical Recognition of Handwritten Digits, E. Alpaydin and
C. Kaynak, 1998), so nothing is downloaded. Every fifth scan is held out: it appears in test
pictures and nowhere else, whatever the seed.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.demo import draw_level, each_split, lettered
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, Split, ask

LICENCE = "CC-BY-4.0"
CELL = 16
"""Pixels on each side of a digit's cell."""
INK = 14
"""Pixels on each side of a digit; the rest of its cell is room to move."""
ROW = 4
"""Digits in a full row of the picture."""

LEVELS: dict[tuple[str, int], float] = {
    ("read", 1): 7,
    ("read", 2): 3,
    ("read", 3): 4,
    ("read", 6): 7,
    ("add", 2): 8,
    ("add", 3): 9,
    ("add", 5): 8,
    ("add", 6): 8,
    ("add", 7): 8,
    ("add", 8): 8,
    ("count", 3): 3,
    ("count", 4): 4,
    ("largest", 2): 3,
    ("largest", 3): 4,
    ("place", 3): 4,
    ("larger", 2): 4,
    ("choose", 2): 4,
    ("choose", 6): 3,
}
"""How often each question is asked, by its number of digits. One digit is soon trivial for a tiny
policy and five or more stay impossible, together more than half: curation has something to do."""


class Question(NamedTuple):
    """What is asked about some digits, and the answer."""

    text: str
    answer: Answer
    tags: tuple[str, ...] = ("ocr",)


def digits(*, seed: int = 0, size: int = 900, held_out: int = 240) -> Iterator[Sample]:
    """Compose `size` training pictures, then `held_out` test pictures of unseen scans."""
    for split, number, rng in each_split("digits", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, count = draw_level(rng, LEVELS)
    scans, labels = _handwriting()
    chosen = rng.choice(scan_numbers(split), count, replace=False)
    values = labels[chosen].tolist()
    question = QUESTIONS[asked](values, rng)
    picture = Media.of_bytes(_draw(scans[chosen], rng), "image")
    return Sample(
        prompt=ask(question.text, picture),
        media=(picture,),
        answer=question.answer,
        task=f"digits/{asked}",
        tags=question.tags,
        corpus="digits",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=LICENCE,
        steps=tuple(map(str, values)) if count > 1 else (),
    )


def scan_numbers(split: Split) -> NDArray[np.int64]:
    """Tell which scans a split is made from."""
    every = np.arange(len(_handwriting()[1]))
    held_out: NDArray[np.bool_] = every % 5 == 4
    return every[held_out] if split == "test" else every[~held_out]


def _read(values: Sequence[int], _rng: np.random.Generator) -> Question:
    return Question("read the digits", Answer.text("".join(map(str, values))))


def _add(values: Sequence[int], _rng: np.random.Generator) -> Question:
    return Question("add the digits", Answer.number(sum(values)))


def _count(values: Sequence[int], rng: np.random.Generator) -> Question:
    wanted = int(rng.choice(values)) if rng.random() < 0.8 else int(rng.integers(10))
    answer = Answer.number(values.count(wanted))
    return Question(f"how many {wanted}s?", answer, ("ocr", "counting"))


def _largest(values: Sequence[int], _rng: np.random.Generator) -> Question:
    return Question("largest digit?", Answer.number(max(values)))


def _place(values: Sequence[int], rng: np.random.Generator) -> Question:
    at = int(rng.integers(len(values)))
    return Question(f"digit {at + 1} from left?", Answer.number(values[at]), ("ocr", "direction"))


def _larger(values: Sequence[int], _rng: np.random.Generator) -> Question:
    return Question("left one larger?", Answer.bool(values[0] > values[1]), ("ocr", "direction"))


def _choose(values: Sequence[int], rng: np.random.Generator) -> Question:
    total = sum(values)
    near = [other for other in range(max(0, total - 4), total + 5) if other != total]
    options = [str(o) for o in rng.permutation([total, *rng.choice(near, 2, replace=False)])]
    letter = "ABC"[options.index(str(total))]
    return Question(f"add the digits\n{lettered(options)}", Answer.choice(letter, options))


QUESTIONS: dict[str, Callable[[Sequence[int], np.random.Generator], Question]] = {
    "read": _read,
    "add": _add,
    "count": _count,
    "largest": _largest,
    "place": _place,
    "larger": _larger,
    "choose": _choose,
}


def _draw(scans: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    """Lay scans of ink [N, 8, 8] out on white paper in reading order, as PNG."""
    rows, columns = -(-len(scans) // ROW), min(len(scans), ROW)
    paper = np.zeros((rows * CELL, columns * CELL), np.uint8)
    for place, scan in enumerate(scans):
        row, column = divmod(place, ROW)
        top, left = np.array([row, column]) * CELL + rng.integers(0, CELL - INK + 1, 2)
        paper[top : top + INK, left : left + INK] = cv2.resize(scan, (INK, INK))
    return cv2.imencode(".png", 255 - paper)[1].tobytes()


@cache
def _handwriting() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Load the scans as ink from 0 to 255, [N, 8, 8], and the digits they show, [N]."""
    from sklearn.datasets import load_digits

    scans = load_digits()
    return (scans.images * (255 / 16)).astype(np.uint8), scans.target.astype(np.int64)
