"""PuzzleVQA: abstract visual patterns with a missing part (Chia et al., arXiv 2403.13315)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pipelines.corpora.reading import (
    BadRecord,
    Fields,
    Raw,
    find_data,
    media_in,
    plain_text,
    read_lines,
    text_of,
)
from pipelines.record.sample import Answer, Sample, ask

CORPUS = "puzzlevqa"
LICENCE = "MIT"
DATA = "data"
TAGS = {"color": "colour", "number": "ocr", "triangle": "ocr", "sides": "counting"}
"""What a category's name says about what its answers hang on, besides the drawing itself."""


def read(root: Path) -> Iterator[Raw]:
    """Read one multiple-choice sample a line; each file is a category."""
    data = find_data(root, DATA, "*.json")
    for path in sorted(data.glob("*.json")):
        yield from read_lines(CORPUS, path, DATA, partial(_sample, data, path.stem))


def _sample(data: Path, category: str, ref: str, record: Fields) -> Sample:
    answer = _choice(record)
    picture = media_in(data, text_of(record, "image"), "image")
    lettered = (f"({chr(ord('A') + i)}) {text}" for i, text in enumerate(answer.options))
    return Sample(
        prompt=ask("\n".join([text_of(record, "question"), *lettered]), picture),
        answer=answer,
        media=(picture,),
        task=f"{CORPUS}/{category}",
        tags=("math_diagram", *sorted({tag for word, tag in TAGS.items() if word in category})),
        corpus=CORPUS,
        source_ref=ref,
        licence=LICENCE,
    )


def _choice(record: Fields) -> Answer:
    """Find the letter of the answer; it and the options may be texts or numbers."""
    options, answer = record.get("options"), record.get("answer")
    if answer is None or answer == "":
        raise BadRecord("no_answer")
    if not isinstance(options, list) or not 2 <= len(options) <= 26:
        raise BadRecord("bad_options", f"{options!r}"[:200])
    texts = [plain_text(option) for option in options]
    if len(set(texts)) < len(texts):
        raise BadRecord("bad_options", "two options are the same")
    if plain_text(answer) not in texts:
        raise BadRecord("bad_answer", f"{answer!r} is none of {texts}"[:200])
    return Answer.choice(chr(ord("A") + texts.index(plain_text(answer))), texts)
