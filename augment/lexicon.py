"""What a question's own words reveal about it, whatever its tags say. English only."""

import re
from collections.abc import Mapping

SIDES = r"left|right|leftmost|rightmost"
_DIRECTIONS = (
    r"horizontal|vertical|tilt|slant|slope|sloping|lean|angle"
    r"|degree|clockwise|counter-?clockwise|anti-?clockwise|rotat(?:e|ing|ion)|turn|orientation"
    r"|upright|upside|north|south|east|west|northern|southern|eastern|western|top|bottom"
    r"|topmost|bottommost|upper|lower|above|below|beneath|underneath|up|down|upwards?|downwards?"
    r"|direction|clock|o['’]clock|what time|compass|diagonal|axis|axes|steep|level|straight|row|column"
    r"|mirror|mirrored|flip|flipped|corner|quadrant|map|arrow|point(?:s|ing) (?:to|at)"
)
_COLOURS = (
    r"colou?r|hue|shade|red|green|blue|yellow|orange|purple|violet|pink|brown|black|white"
    r"|gr[ae]y|cyan|magenta|turquoise|beige|golden|dark(?:er|est)?|bright(?:er|est)?|light(?:er|est)"
    r"|ripe"
)
_SHAPES = (
    r"shape|circle|circular|round|oval|ellipse|elliptical|square|rectangle|rectangular|cube|sphere"
    r"|ratio|proportion|aspect|size|area|length|width|height|radius|diameter|perimeter|distance"
    r"|large|larger|largest|big|bigger|biggest|small|smaller|smallest|wide|wider|widest"
    r"|tall|taller|tallest|long|longer|longest|short|shorter|shortest|thick|thicker|thin|thinner"
    r"|angle|degree|slope|sloping|slant|steep|tilt|diagonal"
    r"|equilateral|isosceles|parallel|perpendicular|congruent|similar|symmetry|symmetric(?:al)?"
)
_TEXT = (
    r"read|text|written|writing|caption|spell|spelt|%|percent|percentage|number(?! of)|label|sign"
    r"|logo|brand|title|word|letter|digit|says?|licen[cs]e plate|headline|subtitle"
)
_TIMES = r"when|what time|timestamp|time ?mark|seconds|milliseconds|minute"

_LEXICON: Mapping[str, Mapping[str, str]] = {
    "image": {
        "direction": _DIRECTIONS,
        "sides": SIDES,
        "colour": _COLOURS,
        "shape": _SHAPES,
        "counting": r"how many|number of|count",
        "ocr": _TEXT,
        "grounding": r"bounding box|coordinate|pixel|bbox",
    },
    "video": {
        "timestamp": rf"{_TIMES}|how long|duration|second|moment|start|begin|end",
        "order": r"first|last|before|after|then|next|earlier|later|order|sequence|while|during",
        "counting": r"how many|how often|number of|count|times",
        "brief": r"blink|flash|flicker|twinkle|spark",
    },
    "audio": {
        "pitch": r"pitch|higher|highest|lower|lowest|note|key|octave|semitone|frequency|hz|hertz",
        "tempo": (
            r"tempo|rhythm|bpm|beat|fast|faster|fastest|slow|slower|slowest|speed|quick|quicker"
            r"|duration|how long|longer|longest|shorter|shortest"
        ),
        "timestamp": _TIMES,
        "speaker": (
            r"speaker|who|whose|male|female|man|woman|gender|age|old|young|emotion|mood|feeling"
            r"|happy|sad|angry|accent"
        ),
        "localisation": r"left|right|where|direction|near|nearer|far|farther|distance|channel",
        "events": r"how many|number of|count",
    },
    "text": {
        "language": (
            r"spell|spelt|spelling|letters?|vowel|consonant|syllable|palindrome|anagram|rhyme"
            r"|grammar|grammatical|typo|misspelt|misspelled|punctuation|capitali[sz]e|translate"
            r"|uppercase|lowercase|alphabetical(?:ly)?|how many words|characters?|digits? of|digit sum"
        ),
        "code": r"python|java|javascript|c\+\+|sql|function|program|code|output|regex|html|json",
    },
}
_WORDS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    medium: {
        # Bounded by what is no word character, since % is none itself; endings count.
        tag: re.compile(rf"(?<!\w)(?:{words})(?:s|es|d|ed|ing|ly)?(?!\w)", re.IGNORECASE)
        for tag, words in lexicon.items()
    }
    for medium, lexicon in _LEXICON.items()
}

_PLACE = re.compile(
    r"[\[(<{]\s*[xy]?\s*=?\s*-?\d+(?:\.\d+)?\s*(?:[,;]\s*[xy]?\s*=?\s*-?\d+(?:\.\d+)?\s*)+[\])>}]"
    r"|\b[xy][12]?\s*=\s*-?\d",
    re.IGNORECASE,
)
_MOMENT = re.compile(
    r"\d\s*(?:-\s*)?(?:s|ms|secs?|seconds?|milliseconds?|mins?|minutes?|hours?)\b|\b\d+:\d\d\b",
    re.IGNORECASE,
)


def revealed(medium: str, text: str) -> dict[str, str]:
    """Return each kind of task that the words of a text reveal, with the word that did it."""
    found = {tag: pattern.search(text) for tag, pattern in _WORDS[medium].items()}
    return {tag: match.group().casefold() for tag, match in found.items() if match}


def is_telling(word: str) -> bool:
    """Whether a word reveals anything in any medium, so that it had better stay as it is."""
    return any(pattern.fullmatch(word) for words in _WORDS.values() for pattern in words.values())


def named_place(text: str) -> str:
    """Return the first place that a text names by its coordinates, such as `(10, 20)`; or none."""
    found = _PLACE.search(text)
    return found.group() if found else ""


def named_moment(text: str) -> str:
    """Return the first moment or duration that a text names, such as `3 s`; or none."""
    found = _MOMENT.search(text)
    return found.group() if found else ""
