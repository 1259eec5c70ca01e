r"""Read numbers as people write them: `$1,080.50`, `-3`, `2 1/2`, `25%`, `8 km`, `2 million`,
`3 \times 10^2`, `\frac{1}{2}`, `forty-two`.

Whoever states two different numbers, a sum left undone, a bound or a denial states none.
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from pipelines.rewards.final_answer import is_denied
from pipelines.rewards.numerals import RUN, value_of
from pipelines.rewards.units import PERCENT, Unit, stated_unit, units_of

SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "k": 10**3,
    "bn": 10**9,
}
LONGEST_NUMBER = 60
NEAR = 80
"""Characters before a number that may say something of it."""

_CALCULATOR = re.compile(r"<<[^<>]*>>")
_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{([^{}]*)\}\s*\{([^{}]*)\}|([0-9])\s*([0-9]))")
_POWER_OF_TEN = re.compile(
    r"(?<=[0-9])\s*(?:[x×*]|\\times|\\cdot)\s*10\s*(?:\^|\*\*)\s*\{?\s*([-+−]?[0-9]{1,2})\s*\}?"
)
_SMALL_SPACE = re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
    "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
}  # fmt: skip
_DIGITS = r"(?:[0-9][0-9.,]*|\.[0-9][0-9.,]*)"
# A minus sign after a word or a digit is a hyphen or a range: `3-4` is a three and a four.
_NUMBER = re.compile(
    rf"""(?<![A-Za-z0-9_.,])
    (?P<sign>(?<![\w)])(?:[-+−]|(?:minus|negative)\s))? \s? (?:\\?(?P<money>[$€£¥]))? \s? (?P<minus>-)?
    (?P<whole>{_DIGITS}(?=\s+(?:and\s+)?[0-9]+/[0-9]))?\s*(?:and\s+)?
    (?P<digits>{_DIGITS}) (?P<power>[eE][-+]?[0-9]{{1,2}}(?![0-9]))?
    (?: \s?/\s? (?P<below>{_DIGITS}) )?
    (?P<half> \s+and\s+(?:a|one)\s+half\b )?
    (?: \s?(?P<scale>{"|".join(SCALES)})s?\b )?""",
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]+)?")
_OPERATOR_BEFORE = re.compile(
    r"(?:[+*^×÷/<>≤≥±!√]|\\(?:pm|mp|times|cdot|div|sqrt\{?|le|ge|lt|gt)q?)\s*$"
)
_BOUND_BEFORE = re.compile(
    r"\b(?:(?:more|less|fewer|greater|higher|lower|larger|smaller|other) than|at least|at most|"
    r"up to|no (?:more|less|fewer) than|over|under|above|below|exceeds|between)\s+[$€£¥]?\s*$",
    re.IGNORECASE,
)
_OPERATOR_AFTER = re.compile(
    r"\s*(?:[+*^×÷<>≤≥π√]|[-−]\s|"
    r"\\(?!text|mathrm|textrm|mathbf|circ|[%,;!: $)\]])|[xyzn]\b|or (?:more|less|fewer)\b)",
    re.IGNORECASE,
)
_BARE = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_SUFFIX = re.compile(r"(?:st|nd|rd|th|s)(?![A-Za-z])|(?![A-Za-z])", re.IGNORECASE)
_WORDS_ALONE = re.compile(rf"(?:{RUN.pattern})(?:\s+[A-Za-z]+){{0,3}}[.!]?", re.IGNORECASE)
_SAID_TWICE = re.compile(rf"({RUN.pattern})\s*\(\s*$", re.IGNORECASE)


class NotOneNumber(ValueError):
    """A text that does not commit to one number; says why."""


class Quantity(NamedTuple):
    """A number with the unit that is stated beside it; none where none is."""

    value: Fraction
    units: frozenset[Unit] = frozenset()


@lru_cache(maxsize=4096)
def exactly(digits: str) -> Fraction:
    """Read what is written as a plain decimal number."""
    return Fraction(digits)


def read_quantity(text: str) -> Quantity:
    """Read the one quantity in a text; of an equation, the one after its last sign of equality.

    Raises NotOneNumber for none, for several different ones, and for sums left undone.
    """
    if _BARE.fullmatch(text):  # the same, sooner
        return Quantity(exactly(text))
    text = _plain_text(text).rpartition("=")[2].strip()
    if is_denied(text):
        raise NotOneNumber(f"a denial: {text[:80]!r}")
    found = _quantities(text) or _in_words(text)
    if (
        len({quantity.value for quantity in found}) != 1
        or len({q.units for q in found if q.units}) > 1
    ):
        several = f"{len(set(found))} numbers" if found else "no number"
        raise NotOneNumber(f"{several} in {text[:80]!r}")
    return max(found, key=lambda quantity: len(quantity.units))


def read_quantities(text: str) -> list[Quantity]:
    """Read every number of a text, in order. Raises NotOneNumber for `1,08`, `1/0` or `3+4`."""
    return _quantities(_plain_text(text))


def _quantities(text: str) -> list[Quantity]:
    return [_quantity(match) for match in _NUMBER.finditer(text)]


def _quantity(match: re.Match[str]) -> Quantity:
    text, start, end = match.string, match.start(), match.end()
    before = text[max(0, start - NEAR) : start]
    if _OPERATOR_BEFORE.search(before) or _BOUND_BEFORE.search(before):
        raise NotOneNumber(f"an expression or a bound: {text[:80]!r}")
    value, stated = _value(match), stated_unit(text, end)
    if stated is None and not match["scale"] and not _SUFFIX.match(text, end):
        raise NotOneNumber(f"a malformed number: {text[start : end + 20]!r}")
    if _OPERATOR_AFTER.match(text, stated.end if stated else end) or _is_factorial(text, end):
        raise NotOneNumber(f"an expression: {text[:80]!r}")
    if (said := _SAID_TWICE.search(before)) and value_of(said[1]) not in (None, value):
        raise NotOneNumber(f"two numbers: {text[:80]!r}")
    money = units_of(match["money"]) if match["money"] else frozenset()
    return Quantity(value, money or (stated.units if stated else frozenset()))


def _is_factorial(text: str, end: int) -> bool:
    """Whether the mark behind a number is mathematics: in a sentence it is joy."""
    return text.startswith("!", end) and not any(sign.isalpha() for sign in text)


def _in_words(text: str) -> list[Quantity]:
    """Read a text that is a number in words, with at most the thing counted behind it."""
    if not (match := _WORDS_ALONE.fullmatch(text.strip())):
        return []
    run = RUN.match(match[0])
    assert run is not None
    value = value_of(run[0])
    # `one` with more behind it is as often a pronoun.
    if value is None or (run[0].casefold() == "one" and match[0].rstrip(".!") != run[0]):
        return []
    stated = stated_unit(text.strip(), run.end())
    return [Quantity(value, stated.units if stated else frozenset())]


def _value(match: re.Match[str]) -> Fraction:
    value = _plain(match["digits"])
    if match["power"]:
        value *= Fraction(10) ** int(match["power"][1:])
    if match["below"]:
        below = _plain(match["below"])
        if not below:
            raise NotOneNumber(f"a division by zero: {match[0]!r}")
        value /= below
    if match["whole"]:
        if value >= 1:
            raise NotOneNumber(f"two numbers: {match[0]!r}")
        value += _plain(match["whole"])
    value += Fraction(1, 2) if match["half"] else 0
    value *= SCALES.get((match["scale"] or "").casefold(), 1)
    signed = (match["sign"] or "+").strip().casefold() != "+"
    if signed and match["minus"]:
        raise NotOneNumber(f"two signs: {match[0]!r}")
    return -value if signed or match["minus"] else value


def _plain(digits: str) -> Fraction:
    digits = digits.rstrip(".,")
    if len(digits) > LONGEST_NUMBER or not _PLAIN.fullmatch(digits):
        raise NotOneNumber(f"a malformed number: {digits[:80]!r}")
    return Fraction(digits.replace(",", ""))


def _plain_text(text: str) -> str:
    """Write LaTeX, emphasis and signs of Unicode in the plain form that numbers are read in."""
    text = _CALCULATOR.sub("", text)
    text = _FRACTION.sub(lambda m: f" {m[1] or m[3]}/{m[2] or m[4]}", text)
    for sign, plain in _VULGAR.items():
        text = text.replace(sign, f" {plain}")
    for sign in ("{,}", "\\,", "\\!", "**", "__"):
        text = text.replace(sign, "," if sign == "{,}" else "")
    text = _SMALL_SPACE.sub("", text)
    return _POWER_OF_TEN.sub(lambda m: f"e{m[1].replace('−', '-')}", text)


PERCENT_UNITS = units_of(PERCENT)
