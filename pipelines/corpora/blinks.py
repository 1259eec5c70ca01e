"""The `blinks` corpus: questions about short films of two lamps that blink, kept as MP4 files.

A blink lasts one frame, so a film of eight frames that is shown whole can be answered, and of one
of sixteen a policy that sees every second frame misses half. Test films have shades of the colours
that lie between those of training.
"""

import colorsys
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.demo import DEMO_LICENCE, draw_level, each_split, lettered
from pipelines.record.films import encode_video
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, Split, ask

SIDE = 32
"""Pixels on each side of a frame."""
LAMP = 12
"""Pixels on each side of a lamp."""
RATE = Fraction(4)
"""Frames a second."""
SHORT, LONG = 8, 16
"""Frames of a film; a long one has more blinks than a short one has room for."""
COLOURS = {"red": 0.0, "green": 1 / 3, "blue": 2 / 3}
"""Middle of each colour's hues, as a share of the circle."""
SHADES = 8
"""Hues of a colour, spread over a tenth of the circle."""

LEVELS: dict[tuple[str, int], float] = {
    ("count", 1): 3,
    ("count", 2): 4,
    ("count", 3): 4,
    ("count", 4): 4,
    ("count", 6): 3,
    ("count", 7): 3,
    ("reds", 2): 3,
    ("reds", 3): 4,
    ("reds", 6): 3,
    ("last", 2): 4,
    ("last", 3): 3,
    ("last", 7): 3,
    ("colour", 1): 4,
    ("colour", 3): 3,
    ("colour", 7): 3,
}
"""How often each question is asked, by its number of blinks: one is soon trivial, and from six on
the film is longer than what a policy is shown of it."""


class Blinks(NamedTuple):
    """What happens in a film, one entry a blink."""

    frames: NDArray[np.int64]
    lefts: NDArray[np.bool_]
    colours: list[str]


class Question(NamedTuple):
    """What is asked about a film, with the answer and the steps to it."""

    text: str
    answer: Answer
    tags: tuple[str, ...]
    steps: list[str]


def blinks(*, seed: int = 0, size: int = 240, held_out: int = 64) -> Iterator[Sample]:
    """Film `size` training films, then `held_out` test films with unseen shades."""
    for split, number, rng in each_split("blinks", seed, size, held_out):
        yield _compose(split, number, rng)


def _compose(split: Split, number: int, rng: np.random.Generator) -> Sample:
    asked, level = draw_level(rng, LEVELS)
    length = SHORT if 2 * level <= SHORT else LONG
    seen = _happenings(level, length, rng)
    question = QUESTIONS[asked](seen, rng)
    film = Media.of_bytes(encode_video(_film(seen, length, split, rng), RATE), "video")
    return Sample(
        prompt=ask(question.text, film),
        media=(film,),
        answer=question.answer,
        task=f"blinks/{asked}",
        # What is over in a frame does not survive that frames are left out.
        tags=("brief", *question.tags),
        corpus="blinks",
        source_ref=f"{split}/{number:06d}",
        split=split,
        licence=DEMO_LICENCE,
        steps=tuple(question.steps) if level > 1 else (),
    )


def _happenings(count: int, length: int, rng: np.random.Generator) -> Blinks:
    """Draw blinks, with a dark frame at least between two."""
    gaps = np.sort(rng.choice(length - count + 1, count, replace=False))
    colours = rng.choice(list(COLOURS), count)
    return Blinks(gaps + np.arange(count), rng.random(count) < 0.5, [str(c) for c in colours])


def _count(seen: Blinks, _rng: np.random.Generator) -> Question:
    answer = Answer.number(len(seen.frames))
    return Question("how many blinks?", answer, ("counting",), _numbers(seen))


def _reds(seen: Blinks, _rng: np.random.Generator) -> Question:
    answer = Answer.number(seen.colours.count("red"))
    return Question("how many red blinks?", answer, ("counting", "colour"), _initials(seen))


def _last(seen: Blinks, _rng: np.random.Generator) -> Question:
    answer = Answer.bool(bool(seen.lefts[-1]))
    return Question("left one last?", answer, ("order", "direction"), _sides(seen))


def _colour(seen: Blinks, rng: np.random.Generator) -> Question:
    options = [str(colour) for colour in rng.permutation(list(COLOURS))]
    answer = Answer.choice("ABC"[options.index(seen.colours[-1])], options)
    text = f"last colour?\n{lettered(options)}"
    return Question(text, answer, ("order", "colour"), _initials(seen))


QUESTIONS: dict[str, Callable[[Blinks, np.random.Generator], Question]] = {
    "count": _count,
    "reds": _reds,
    "last": _last,
    "colour": _colour,
}


def _numbers(seen: Blinks) -> list[str]:
    return [str(number + 1) for number in range(len(seen.frames))]


def _sides(seen: Blinks) -> list[str]:
    return ["l" if left else "r" for left in seen.lefts]


def _initials(seen: Blinks) -> list[str]:
    return [colour[0] for colour in seen.colours]


def hues(split: Split) -> NDArray[np.float64]:
    """Tell the hues of a split as shares of the circle, [colours, shades]."""
    places = (np.arange(SHADES) + (0.5 if split == "test" else 0.0)) / SHADES
    return np.add.outer(list(COLOURS.values()), 0.1 * places - 0.05)


def _film(seen: Blinks, length: int, split: Split, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw the frames [T, SIDE, SIDE, 3]: a dark wall with two lamps that are off, or blink."""
    frames = np.full((length, SIDE, SIDE, 3), rng.integers(10, 50), np.uint8)
    top = int(rng.integers(SIDE - LAMP))
    lefts = {True: int(rng.integers(1, 4)), False: int(rng.integers(SIDE // 2, SIDE - LAMP))}
    for left in lefts.values():
        frames[:, top : top + LAMP, left : left + LAMP] = rng.integers(60, 90)
    shades = hues(split)
    for frame, is_left, colour in zip(*seen, strict=True):
        hue = rng.choice(shades[list(COLOURS).index(colour)])
        lit = np.array(colorsys.hsv_to_rgb(hue % 1, 1, rng.uniform(0.8, 1))) * 255
        left = lefts[bool(is_left)]
        frames[frame, top : top + LAMP, left : left + LAMP] = lit.astype(np.uint8)
    return frames
