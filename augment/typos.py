"""Slips of the finger: what a hurried person's question looks like, and still asks.

Only inner letters of plain lower-case words change. Short words, number words, negations and words
that an answer may hang on keep their letters, since a slip could make another word of them.
"""

import re
from dataclasses import replace

import numpy as np

from augment import gaussian, lexicon
from augment.errors import AugmentError
from augment.question import Question
from augment.transform import SEEDS, Params, Range, Transform, between
from augment.wording import free_stretches

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"(?<![\w'’-])[a-z]{5,}(?![\w'’-])")
_MEANT = re.compile(
    r"three|seven|eight|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred|thousand|million|billion|dozen|double|triple|twice|thrice|third|fourth|fifth"
    r"|sixth|seventh|eighth|ninth|tenth|quarter|never|nobody|nothing|neither|without|cannot"
    r"|except|unless|either|every|least|fewer|greater|exactly|almost|false|wrong|right|correct"
    r"|incorrect|true|metre|metres|meter|meters|inches|yards|miles|litre|litres|liter|liters"
    r"|grams|pounds|ounces|seconds|minute|minutes|hours|weeks|months|years|cents|dollar"
    r"|dollars|euros|degrees|percent|kilometre|kilometres|kilometer|kilometers|kilogram"
    r"|kilograms|centimetre|centimetres|centimeter|centimeters|millimetre|millimetres"
)
_DOUBLED, _DROPPED, _SWAPPED, _SLIPPED = range(4)


def typing_noise(question: Question, *, changes: int, seed: int) -> Question:
    """Mistype up to `changes` words of the question, one slip each.

    Raises AugmentError where no word may be mistyped.
    """
    words = mistypable(question)
    if not words:
        raise AugmentError("the question has no word that could be mistyped and still be read")
    draws = [int(word) for word in gaussian.raw(seed, len(words) + 3 * changes)]
    order = sorted(range(len(words)), key=lambda i: (draws[i], i))
    texts = list(question.texts)
    # From the back, so that the places in front stay where they are.
    for number, i in sorted(enumerate(order[:changes]), key=lambda pair: words[pair[1]])[::-1]:
        place, start, end = words[i]
        own = draws[len(words) + 3 * number :]
        slipped = _slip(texts[place][start:end], own[0], own[1], own[2])
        texts[place] = texts[place][:start] + slipped + texts[place][end:]
    return replace(question, texts=tuple(texts))


def mistypable(question: Question) -> list[tuple[int, int, int]]:
    """Return the words that may be mistyped: which text, from where, to where."""
    kept = {word.casefold() for text in question.answers for word in re.findall(r"\w+", text)}
    return [
        (place, *match.span())
        for place, text in enumerate(question.texts)
        for start, stop in free_stretches(text, question.answers)
        for match in _WORD.finditer(text, start, stop)
        if match.group() not in kept
        and not _MEANT.fullmatch(match.group())
        and not lexicon.is_telling(match.group())
    ]


def _slip(word: str, how: int, where: int, to: int) -> str:
    """Change one inner letter; the first and the last are what a word is known by."""
    at = 1 + where % (len(word) - 2)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    way = how % 4
    if way == _DOUBLED:
        return before + 2 * letter + after
    if way == _DROPPED:
        return before + after
    if way == _SWAPPED and at < len(word) - 2 and after[0] != letter:
        return before + after[0] + letter + after[1:]
    keys = _beside(letter)
    return before + keys[to % len(keys)] + after


def _beside(letter: str) -> str:
    """Return the letters left and right of one on a keyboard."""
    row = next(row for row in _ROWS if letter in row)
    at = row.index(letter)
    return row[max(0, at - 1) : at] + row[at + 1 : at + 2]


def draw_typing_noise(rng: np.random.Generator, *, changes: Range = (1, 2)) -> Params:
    """Choose how many words are mistyped, and the seed that mistypes them so again."""
    return {"changes": between(rng, changes), "seed": between(rng, SEEDS)}


TRANSFORMS = (
    Transform(
        name="typing_noise",
        medium="text",
        bounds={"changes": (1, 20), "seed": SEEDS},
        draw=draw_typing_noise,
        apply=typing_noise,
    ),
)
