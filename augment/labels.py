"""Which transform leaves which kind of answer true. What nobody has ruled on is forbidden.

The rules and their bounds follow what published augmentation for reinforcement learning found to
be safe (NoisyRollout, arXiv 2504.13055) and common practice in speech training; bounds are tighter
where a sample does not record what they hang on, such as the height of its text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from augment.transforms import TRANSFORMS, Limits

Outcome: TypeAlias = Literal["safe", "remap", "forbid"]

TAGS: Mapping[str, tuple[str, ...]] = {
    "image": ("ocr", "math_diagram", "direction", "counting", "colour", "grounding", "natural"),
    "audio": ("speech", "events", "speaker", "pitch", "tempo", "localisation"),
}


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a transform may be used, why, and how strongly at most."""

    outcome: Outcome
    reason: str
    limits: Limits = field(default_factory=dict)
    """Lowest and highest value of a drawn parameter; one that is not named is free."""

    @property
    def allowed(self) -> bool:
        """Say whether it may be used, be it only together with a moved answer."""
        return self.outcome != "forbid"


def safe(reason: str, **limits: tuple[int, int]) -> Ruling:
    """The answer stays true within the limits."""
    return Ruling("safe", reason, limits)


def remap(reason: str, **limits: tuple[int, int]) -> Ruling:
    """The answer stays true once it is moved with the media."""
    return Ruling("remap", reason, limits)


def forbid(reason: str) -> Ruling:
    """The answer may become false."""
    return Ruling("forbid", reason)


TABLE: Mapping[str, Mapping[str, Ruling]] = {
    "gaussian_noise": {
        "ocr": safe("small text drowns in more than light noise", sigma=(1, 8)),
        "math_diagram": safe("lines and labels stay legible", sigma=(1, 25)),
        "direction": safe("nothing moves", sigma=(1, 25)),
        "counting": safe("nothing appears or disappears", sigma=(1, 25)),
        "colour": safe("only strong noise shifts how a colour looks", sigma=(1, 12)),
        "grounding": safe("nothing moves", sigma=(1, 25)),
        "natural": safe("the scene stays recognisable", sigma=(1, 25)),
    },
    "blur": {
        "ocr": forbid("text survives only blur that is matched to its height, which is not known"),
        "math_diagram": safe("lines and labels stay legible", tenths=(1, 10)),
        "direction": safe("nothing moves", tenths=(1, 10)),
        "counting": safe("neighbours do not merge", tenths=(1, 10)),
        "colour": safe("areas keep their colour", tenths=(1, 10)),
        "grounding": safe("nothing moves", tenths=(1, 10)),
        "natural": safe("the scene stays recognisable", tenths=(1, 10)),
    },
    "jpeg": {
        "ocr": safe("small text breaks up at lower quality", quality=(75, 100)),
        "math_diagram": safe("lines and labels stay legible", quality=(50, 100)),
        "direction": safe("nothing moves", quality=(50, 100)),
        "counting": safe("nothing appears or disappears", quality=(50, 100)),
        "colour": safe("areas keep their colour", quality=(50, 100)),
        "grounding": safe("nothing moves", quality=(50, 100)),
        "natural": safe("the scene stays recognisable", quality=(50, 100)),
    },
    "rotate": {
        "ocr": safe("lines of text stay readable when barely tilted", decidegrees=(-50, 50)),
        "math_diagram": safe("angles between lines and labels stay", decidegrees=(-50, 50)),
        "direction": forbid("it changes what lies left, right, above or upright"),
        "counting": safe("the canvas grows, so nothing is cut off", decidegrees=(-150, 150)),
        "colour": safe("the areas that count keep their colour", decidegrees=(-150, 150)),
        "grounding": remap("points and boxes turn with the picture", decidegrees=(-50, 50)),
        "natural": safe("a slightly tilted camera changes no answer", decidegrees=(-150, 150)),
    },
    "add_noise": {
        "speech": safe("words stay intelligible from about 10 dB", snr_db=(10, 100)),
        "events": safe("steady noise adds no event", snr_db=(10, 100)),
        "speaker": safe("the colour of a voice needs a cleaner signal", snr_db=(15, 100)),
        "pitch": safe("white noise has no pitch", snr_db=(10, 100)),
        "tempo": safe("nothing moves in time", snr_db=(5, 100)),
        "localisation": forbid("only diffuse noise is safe, and one channel cannot be diffuse"),
    },
    "speed": {
        "speech": safe("words stay intelligible", percent=(90, 110)),
        "events": safe("number and order of events stay", percent=(90, 110)),
        "speaker": forbid("it shifts pitch, from which age, gender and mood are heard"),
        "pitch": forbid("it shifts pitch"),
        "tempo": forbid("it changes tempo, duration and every time mark"),
        "localisation": safe("it says nothing about where", percent=(90, 110)),
    },
}

# What a question's own words reveal about it, whatever its tags say. English only.
_SIDES = (
    r"left|right|leftmost|rightmost|horizontal|vertical|tilt|slant|slope|sloping|lean|angle"
    r"|degree|clockwise|counter-?clockwise|anti-?clockwise|rotat(?:e|ing|ion)|turn|orientation"
    r"|upright|upside|north|south|east|west|northern|southern|eastern|western|top|bottom"
    r"|topmost|bottommost|upper|lower|above|below|beneath|underneath|up|down|upwards?|downwards?"
    r"|direction|clock|o['’]clock|what time|compass|diagonal|axis|axes|steep|level|straight|row|column"
)
_COLOURS = (
    r"colou?r|hue|shade|red|green|blue|yellow|orange|purple|violet|pink|brown|black|white"
    r"|gr[ae]y|cyan|magenta|turquoise|beige|golden|dark(?:er|est)?|bright(?:er|est)?"
)
_LEXICON: Mapping[str, Mapping[str, str]] = {
    "image": {
        "direction": _SIDES,
        "colour": _COLOURS,
        "counting": r"how many|number of|count",
        "ocr": r"read|text|written|writing|caption|spell|spelt|%|percent|percentage",
        "grounding": r"bounding box|coordinate|pixel|bbox",
    },
    "audio": {
        "pitch": r"pitch|higher|highest|lower|lowest|note|key|octave|semitone|frequency|hz|hertz",
        "tempo": (
            r"tempo|rhythm|bpm|beat|fast|faster|fastest|slow|slower|slowest|speed|quick|quicker"
            r"|duration|how long|longer|longest|shorter|shortest|seconds|milliseconds|minute"
            r"|timestamp|time ?mark|when|what time"
        ),
        "speaker": (
            r"speaker|who|whose|male|female|man|woman|gender|age|old|young|emotion|mood|feeling"
            r"|happy|sad|angry|accent"
        ),
        "localisation": r"left|right|where|direction|near|nearer|far|farther|distance|channel",
        "events": r"how many|number of|count",
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


def verdict(tags: Iterable[str], transform: str, question: str = "", answer: str = "") -> Ruling:
    """Rule on one transform for one sample: every tag must allow it, and every word that asks.

    Words of the question or the answer that reveal another kind of task bring in its rule too;
    they can only forbid or tighten, never allow what the tags do not.
    """
    given = sorted(set(tags))
    if transform not in TABLE or transform not in TRANSFORMS:
        return forbid(f"nobody has ruled on transform {transform!r}")
    if not given:
        return forbid(f"a sample without tags says nothing that would make {transform!r} safe")
    rules = [_by_tag(transform, tag) for tag in given]
    words = revealed(TRANSFORMS[transform].medium, f"{question}\n{answer}")
    rules += [_by_word(transform, tag, word) for tag, word in words.items() if tag not in given]
    return _together(rules)


def revealed(medium: str, text: str) -> dict[str, str]:
    """Return each kind of task that the words of a text reveal, with the word that did it."""
    found = {tag: pattern.search(text) for tag, pattern in _WORDS[medium].items()}
    return {tag: match.group().casefold() for tag, match in found.items() if match}


def narrowed(ruling: Ruling, limits: Limits) -> Ruling:
    """Return the ruling with further limits on top; forbid where they leave no value."""
    merged = dict(ruling.limits)
    for key, (low, high) in limits.items():
        lowest, highest = merged.get(key, (low, high))
        merged[key] = max(low, lowest), min(high, highest)
        if merged[key][0] > merged[key][1]:
            return forbid(
                f"{key} must lie within {lowest} to {highest} here, "
                f"and {low} to {high} was asked for"
            )
    return Ruling(ruling.outcome, ruling.reason, merged)


def _by_tag(transform: str, tag: str) -> Ruling:
    rule = TABLE[transform].get(tag)
    if rule is None:
        return forbid(f"nobody has ruled on {transform!r} for samples tagged {tag!r}")
    return Ruling(rule.outcome, f"{tag}: {rule.reason}", rule.limits)


def _by_word(transform: str, tag: str, word: str) -> Ruling:
    rule = TABLE[transform][tag]
    return Ruling(rule.outcome, f"{tag}, since it says {word!r}: {rule.reason}", rule.limits)


def _together(rules: list[Ruling]) -> Ruling:
    """Join rules: one that forbids decides, one that remaps holds for all, limits intersect."""
    for rule in rules:
        if not rule.allowed:
            return rule
    joined = rules[0]
    for rule in rules[1:]:
        reason = f"{joined.reason}; {rule.reason}"
        outcome: Outcome = "remap" if "remap" in (joined.outcome, rule.outcome) else "safe"
        joined = narrowed(Ruling(outcome, reason, joined.limits), rule.limits)
        if not joined.allowed:
            return joined
    return joined
