"""The corpora that Curricle knows by name: those it reads and those it makes on the spot."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.corpora import (
    aqua,
    blindtest,
    fsdd,
    gsm8k,
    guipilot,
    mathvision,
    nlvr,
    puzzlevqa,
    screenagent,
)
from pipelines.corpora.demo import DEMO_LICENCE
from pipelines.corpora.reading import Raw
from pipelines.record.evidence import ImportedRollout
from pipelines.record.sample import Sample
from pipelines.record.steps import Reject


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where samples come from, and how to read them."""

    name: str
    title: str
    licence: str
    homepage: str
    read: Callable[..., Iterator[Raw]]
    """Takes the corpus' folder; a generated corpus takes `seed` and `size` instead."""
    evidence: Callable[[Path], Iterator[ImportedRollout | Reject]] | None = None
    """Reads the outcomes of others that the corpus brings along."""
    generated: bool = False


def _digits(**options: Any) -> Iterator[Sample]:
    from pipelines.corpora.digits import digits

    return digits(**options)


def _beeps(**options: Any) -> Iterator[Sample]:
    from pipelines.corpora.beeps import beeps

    return beeps(**options)


def _blinks(**options: Any) -> Iterator[Sample]:
    from pipelines.corpora.blinks import blinks

    return blinks(**options)


def _sums(**options: Any) -> Iterator[Sample]:
    from pipelines.corpora.sums import sums

    return sums(**options)


_KNOWN = (
    Corpus(
        "digits",
        "Handwritten digits to read, add, count and compare",
        "CC-BY-4.0",
        "",
        _digits,
        generated=True,
    ),
    Corpus("beeps", "Tones to count and compare", DEMO_LICENCE, "", _beeps, generated=True),
    Corpus("blinks", "Films of blinking lamps", DEMO_LICENCE, "", _blinks, generated=True),
    Corpus("sums", "Arithmetic in several steps", DEMO_LICENCE, "", _sums, generated=True),
    Corpus(
        gsm8k.CORPUS,
        "Grade school word problems",
        gsm8k.LICENCE,
        "https://github.com/openai/grade-school-math",
        gsm8k.read,
        gsm8k.evidence,
    ),
    Corpus(
        fsdd.CORPUS,
        "Free Spoken Digit Dataset",
        fsdd.LICENCE,
        "https://github.com/Jakobovski/free-spoken-digit-dataset",
        fsdd.read,
    ),
    Corpus(
        nlvr.CORPUS,
        "Cornell NLVR: statements about pictures",
        nlvr.LICENCE,
        "https://github.com/lil-lab/nlvr",
        nlvr.read,
    ),
    Corpus(
        puzzlevqa.CORPUS,
        "PuzzleVQA: abstract visual patterns",
        puzzlevqa.LICENCE,
        "https://github.com/declare-lab/LLM-PuzzleTest",
        puzzlevqa.read,
    ),
    Corpus(
        blindtest.CORPUS,
        "BlindTest: counting in simple drawings",
        blindtest.LICENCE,
        "https://github.com/anguyen8/vision-llms-are-blind",
        blindtest.read,
        blindtest.evidence,
    ),
    Corpus(
        aqua.CORPUS,
        "AQuA-RAT: algebra word problems with options",
        aqua.LICENCE,
        "https://github.com/google-deepmind/AQuA",
        aqua.read,
    ),
    Corpus(
        mathvision.CORPUS,
        "MATH-Vision: competition mathematics with a figure",
        mathvision.LICENCE,
        "https://github.com/mathllm/MATH-V",
        mathvision.read,
    ),
    Corpus(
        guipilot.CORPUS,
        "GUIPilot: widgets on screens of phone apps",
        guipilot.LICENCE,
        "https://github.com/code-philia/GUIPilot",
        guipilot.read,
    ),
    Corpus(
        screenagent.CORPUS,
        "ScreenAgent: steps on a desktop, with screenshots",
        screenagent.LICENCE,
        "https://github.com/niuzaisheng/ScreenAgent",
        screenagent.read,
    ),
)
CORPORA = {corpus.name: corpus for corpus in _KNOWN}
