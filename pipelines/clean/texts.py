"""What a question asks, whatever its spelling: two wordings of one question give the same words.

Case, spacing, sentence marks, ways to write a number and ways to write the same LaTeX are taken
away; operators, brackets and symbols stay, since `3 - 5` is not `3 + 5`.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TELLING = (
    "no not never none neither without except left right up down top bottom above below over under "
    "before after first second third last next previous more less fewer most least greater smaller "
    "larger bigger largest smallest biggest highest lowest higher lower longer shorter longest "
    "shortest taller tallest maximum minimum max min even odd all any some every each both either "
    "inside outside horizontal vertical north south east west front behind increase decrease sum "
    "difference product quotient area perimeter radius diameter width height row rows column columns "
    "zero one two three four five six seven eight nine ten eleven twelve twenty thirty hundred half "
    "double twice triple black white red green blue yellow orange purple pink brown grey gray "
    "circle circles square squares triangle triangles rectangle rectangles hexagon hexagons"
)
TELLING = frozenset(_TELLING.split())
"""Words that make another question of one that is otherwise alike."""
_SIDES = (
    "left right top bottom above below up down upper lower clockwise counterclockwise anticlockwise "
    "north south east west row rows column columns horizontal vertical horizontally vertically "
    "rotate rotated rotation mirror mirrored reflection reflected first last"
)
SIDES = frozenset(_SIDES.split())
"""Words that mean something else once a picture is mirrored or turned."""

_REWRITTEN = (
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\(?:left|right|displaystyle|limits)(?![a-z])"), ""),
    (re.compile(r"\\(?:[,;:!> ]|quad(?![a-z])|qquad(?![a-z]))|~"), " "),
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf|mathit|operatorname)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\(?:cdot|times)(?![a-z])"), "*"),
    (re.compile(r"\\leq(?![a-z])|\\leqslant"), r"\\le "),
    (re.compile(r"\\geq(?![a-z])|\\geqslant"), r"\\ge "),
    (re.compile(r"\\frac\s*(\w)\s*(\w)(?!\w)"), r"\\frac{\1}{\2}"),
    (re.compile(r"([\^_])\s*\{\s*(\w)\s*\}"), r"\1\2"),
    (re.compile(r"\\[()\[\]]|\$"), " "),
)
_SPELLED = str.maketrans({"×": "*", "·": "*", "−": "-", "–": "-", "—": " - ", "’": "'", "‘": "'"})
_PLACES = re.compile(r"<(?:image|audio|video)\s*\d*>")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_DECIMAL = re.compile(r"(?<![\d.])\d*\.\d+(?![\d.])")
_WORDS = re.compile(
    r"\d+(?:\.\d+)?%?|\.\d+%?|\\?[^\W\d_]+(?:['-][^\W\d_]{2,}|'[stdm]\b)*|(?<=\d)[!:]|[^\s\w.,;:!?\"'`“”]"
)
_MIXED = re.compile(r"\d(?:[a-z!:]|[.,]\S|(?<=[a-z.,]\d))")
"""A digit that does not stand by itself: such a text cannot be split at its spaces, which takes a
tenth of the time."""
_MARKS = str.maketrans(dict.fromkeys('.,;:!?"', " "))
_NUMBER = re.compile(r"\d*\.?\d+%?")


@dataclass(frozen=True, slots=True)
class Wording:
    """One question in plain words."""

    words: str
    """All of it, its options last and sorted, separated by spaces."""
    stem: str
    """Without its options."""
    answer: str
    """The right answer in plain words: of a choice the text behind the letter."""


def plain_words(text: str) -> str:
    """Write a text as words, numbers and symbols with one space between."""
    if not text.isascii():
        text = text.translate(_SPELLED)
    if "<" in text:
        text = _PLACES.sub(" ", text)
    if "\\" in text or "$" in text or "{" in text:
        for pattern, replacement in _REWRITTEN:
            text = pattern.sub(replacement, text)
    if "," in text:
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    if "." in text:
        text = _DECIMAL.sub(_shortest, text)
    text = text.casefold()
    words = text.translate(_MARKS).split()
    together = "".join(words)
    if together.isascii() and together.isalnum() and not _MIXED.search(text):
        return " ".join(words)
    return " ".join(_WORDS.findall(text))


def wording(question: str, answer: str) -> Wording:
    """Put a question and its answer (canonical JSON) into plain words."""
    given = json.loads(answer)
    options = tuple(given.get("options", ()))
    asked = without_options(question, options) if options else question
    stem = plain_words(asked) or " ".join(asked.split())
    chosen = sorted(filter(None, map(plain_words, options)))
    words = " ".join([stem, *(f"| {option}" for option in chosen)]) if chosen else stem
    return Wording(words, stem, plain_answer(given))


def without_options(question: str, options: Sequence[str]) -> str:
    """Cut the options out of a question; each stands at its place there, behind a letter."""
    for option in options:
        listed = (
            rf"(?:^|(?<=\s))[(\[]?[A-Za-z][)\].:][ \t]*{re.escape(option.strip())}(?=\s|[,;]|$)"
        )
        question = re.sub(listed, " ", question, count=1)
    return question


def plain_answer(answer: dict[str, Any]) -> str:
    """Write an answer in plain words, so that the same one in another form reads the same."""
    kind, value, options = answer["kind"], answer["value"], answer.get("options", ())
    if kind == "choice" and options:
        return plain_words(options[ord(value) - ord("A")]) or str(value)
    if kind == "set" and options:
        letters = (str(letter) for letter in value)
        return " | ".join(sorted(_option(letter, options) for letter in letters))
    if kind == "bool":
        return "yes" if value else "no"
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    said = plain_words(plain) or plain
    return {"true": "yes", "false": "no"}.get(said, said)


def numbers_of(words: str) -> tuple[str, ...]:
    """Give the numbers and symbols of plain words, in order: what a question computes with."""
    return tuple(w for w in words.split() if _NUMBER.fullmatch(w) or not w[-1].isalnum())


def grams_of(words: str, n: int = 3) -> frozenset[str]:
    """Give the runs of `n` words; of fewer words, all of them together are one."""
    split = words.split()
    if len(split) < n:
        return frozenset([words])
    return frozenset(" ".join(split[i : i + n]) for i in range(len(split) - n + 1))


def similarity(first: str, second: str) -> float:
    """Give the Jaccard similarity of the 3-grams of two texts in plain words."""
    if first == second:
        return 1.0
    ours, theirs = grams_of(first), grams_of(second)
    return len(ours & theirs) / len(ours | theirs)


def told_apart(first: str, second: str) -> bool:
    """Say whether two texts differ in a word that matters: a number, a colour, a `not`, a side."""
    if numbers_of(first) != numbers_of(second):
        return True
    changed = set(first.split()) ^ set(second.split())
    return any(word in TELLING or len(word) == 1 for word in changed)


def speaks_of_sides(words: str) -> bool:
    """Say whether a question is another one once its picture is mirrored or turned."""
    return not SIDES.isdisjoint(words.split())


def contains_numbers(whole: str, part: str) -> bool:
    """Say whether a text has every number of another, as often as that one."""
    return Counter(numbers_of(part)) <= Counter(numbers_of(whole))


def _option(letter: str, options: Sequence[str]) -> str:
    place = ord(letter) - ord("A") if len(letter) == 1 else -1
    return plain_words(options[place]) if 0 <= place < len(options) else letter


def _shortest(number: re.Match[str]) -> str:
    """Write a number in one way: `0.50` is `.5`, `5.0` is `5`."""
    return number[0].rstrip("0").rstrip(".").lstrip("0") or "0"
