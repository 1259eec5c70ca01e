"""Numbers as people write them: `$1,080.50`, `-3`, `1/2`, `25%`, `8 apples.`, `2 million`."""

import re
from fractions import Fraction

from pipelines.record.sample import Answer
from pipelines.rewards.final_answer import final_answer, is_negated
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, wrong

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "k": 10**3}

_CALCULATOR = re.compile(r"<<[^<>]*>>")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_DIGITS = r"(?:[0-9][0-9.,]*|\.[0-9][0-9.,]*)"
# A minus sign after a word or a digit is a hyphen or a range: `3-4` is a three and a four.
_NUMBER = re.compile(
    rf"""(?<![A-Za-z0-9_.,])
    (?P<sign>(?<![\w)])[-+−])? \s? [$€£¥]? \s? (?P<minus>-)?
    (?P<whole>{_DIGITS}(?=\s+[0-9]+/[0-9]))?\s*
    (?P<digits>{_DIGITS}) (?P<power>[eE][-+]?[0-9]{{1,2}}(?![0-9]))?
    (?: \s?/\s? (?P<below>{_DIGITS}) )?
    (?: \s?(?P<scale>{"|".join(SCALES)})\b )?
    \s? (?P<percent>\\?%)?""",
    re.VERBOSE | re.IGNORECASE,
)
_PLAIN = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(?:\.[0-9]+)?")
_OPERATOR_BEFORE = re.compile(r"[+*^×÷/<>≤≥]\s*$")
_OPERATOR_AFTER = re.compile(
    r"\s*(?:[+*^×÷<>≤≥π√]|[-−]\s|\\(?!text|mathrm|circ|[%,;! $)])|[xyzn]\b)", re.IGNORECASE
)


class NotOneNumber(ValueError):
    """A text that does not commit to one number; says why."""


@reward("number", version=1)
def number(answer: Answer, completion: str) -> Score:
    """Give full marks to the one number that the final answer states, within the tolerance.

    A percentage counts by the number before its sign, or as hundredths where the reference is a
    fraction of one and its unit is not percent.
    """
    found = final_answer(completion)
    gold = Fraction(str(answer.value))
    hundredths = answer.unit != "%" and 0 < abs(gold) < 1
    try:
        given = read_number(found.text, percent=Fraction(1, 100) if hundredths else Fraction(1))
    except NotOneNumber as error:
        return wrong(f"expected {answer.value}, found {error or found.found_by}")
    tolerance = Fraction(answer.tolerance or "0")
    return compared(_shown(given), answer.value, abs(given - gold) <= tolerance)


def read_number(text: str, *, percent: Fraction = Fraction(1)) -> Fraction:
    """Read the one number in a text; of an equation, the one after its last sign of equality.

    Raises NotOneNumber for none, for several different ones, and for sums left undone.
    """
    text = _plain_text(text).rpartition("=")[2].strip()
    if (word := text.casefold().rstrip(".")) in WORDS:
        return Fraction(WORDS.index(word))
    if is_negated(text):
        raise NotOneNumber(f"a denial: {text[:80]!r}")
    numbers = read_numbers(text, percent=percent)
    if len(set(numbers)) != 1:
        several = f"{len(set(numbers))} numbers" if numbers else "no number"
        raise NotOneNumber(f"{several} in {text[:80]!r}")
    return numbers[0]


def read_numbers(text: str, *, percent: Fraction = Fraction(1)) -> list[Fraction]:
    """Read every number of a text, in order. Raises NotOneNumber for `1,08`, `1/0` or `3+4`."""
    text = _plain_text(text)
    return [_value(match, percent) for match in _NUMBER.finditer(text)]


def _value(match: re.Match[str], percent: Fraction) -> Fraction:
    if _OPERATOR_BEFORE.search(match.string, 0, match.start()) or _OPERATOR_AFTER.match(
        match.string, match.end()
    ):
        raise NotOneNumber(f"an expression: {match.string[:80]!r}")
    value = _plain(match["digits"])
    if match["power"]:
        value *= Fraction(10) ** int(match["power"][1:])
    if match["below"]:
        below = _plain(match["below"])
        if not below:
            raise NotOneNumber(f"a division by zero: {match[0]!r}")
        value /= below
    if match["whole"]:
        value += _plain(match["whole"])
    value *= SCALES.get((match["scale"] or "").casefold(), 1)
    value *= percent if match["percent"] else 1
    return -value if match["sign"] in ("-", "−") or match["minus"] else value


def _plain(digits: str) -> Fraction:
    digits = digits.rstrip(".,")
    if len(digits) > 60 or not _PLAIN.fullmatch(digits):
        raise NotOneNumber(f"a malformed number: {digits[:80]!r}")
    return Fraction(digits.replace(",", ""))


def _plain_text(text: str) -> str:
    text = _FRACTION.sub(r"\1/\2", _CALCULATOR.sub("", text))
    return text.replace("{,}", ",").replace("\\,", "").replace("\\!", "").replace("**", "")


def _shown(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else str(float(value))
