"""Numbers in words: `forty-two`, `one thousand and five`, `two and a half`, `three quarters`."""

import re
from fractions import Fraction

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SMALL = {word: i for i, word in enumerate(_ONES)} | {
    word: 10 * i for i, word in enumerate(_TENS, start=2)
}
SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8}
PARTS |= {f"{part}s": below for part, below in PARTS.items()} | {"halves": 2, "tenth": 10}

_NUMERAL = "|".join(sorted([*SMALL, *SCALES, *PARTS], key=len, reverse=True))
RUN = re.compile(
    rf"\b(?:(?:minus|negative)\s+)?(?:an?\s+)?(?:{_NUMERAL})(?:[\s-]+(?:(?:and[\s-]+)?(?:an?\s+)?(?:{_NUMERAL})))*\b",
    re.IGNORECASE,
)
"""A stretch of number words; `value_of` says what it comes to."""


def value_of(words: str) -> Fraction | None:
    """Say what number words come to; None for words that make no one number."""
    tokens = [word for word in re.split(r"[\s-]+", words.casefold()) if word]
    sign = 1
    if tokens and tokens[0] in ("minus", "negative"):
        sign, tokens = -1, tokens[1:]
    tokens = [token for i, token in enumerate(tokens) if not (token in ("a", "an") and i == 0)]
    parts = Fraction(0)
    if tokens and tokens[-1] in PARTS:
        tokens, parts = _split_part(tokens)
    whole = _whole([token for token in tokens if token != "and"])
    return None if whole is None else sign * (whole + parts)


def _split_part(tokens: list[str]) -> tuple[list[str], Fraction]:
    """Take `three quarters`, `half` or `and a half` off the end."""
    below = PARTS[tokens[-1]]
    before = tokens[:-1]
    if before[-1:] in (["a"], ["an"]):
        before = before[:-1]
    if before[-1:] == ["and"] or not before:
        return before[:-1] or ["zero"], Fraction(1, below)
    above = SMALL.get(before[-1])
    rest = before[:-1]
    if above is None:
        return ["and", "?"], Fraction(0)
    return (rest[:-1] if rest[-1:] == ["and"] else rest) or ["zero"], Fraction(above, below)


def _whole(tokens: list[str]) -> Fraction | None:
    """Add up a whole number in words, each word in its place: `one two` is none."""
    total = group = 0
    room = 10**30  # the next small number must be below this: after twenty, below ten
    for i, token in enumerate(tokens):
        if token in SMALL and SMALL[token] < room:
            group += SMALL[token]
            room = 10 if SMALL[token] >= 20 and SMALL[token] % 10 == 0 else 0
        elif token in SCALES and (group or i == 0):
            scale = SCALES[token]
            group = max(group, 1) * scale
            room = scale if scale == 100 else 10**3
            if scale != 100:
                total, group = total + group, 0
        else:
            return None
    return Fraction(total + group)
