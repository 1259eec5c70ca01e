r"""MATH-Vision: problems of mathematics competitions, each with a figure (arXiv 2402.14804).

Upstream joins the figures of a problem into one picture, which goes where the first of them stood.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pipelines.corpora.options import choice_of, listed, option_texts
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
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Block, Message, Sample, ask

CORPUS = "mathvision"
LICENCE = "MIT"
DATA = "data"
FILES = ("test.jsonl", "testmini.jsonl")
TAGS = {"counting": "counting", "transformation geometry": "direction", "statistics": "chart"}
"""What a subject says about what its answers hang on, besides the drawing itself."""

_FIGURE = re.compile(r"\s*<image[0-9]+>\s*")
_BOXED = re.compile(r"\\boxed\{(.*)\}")


def read(root: Path) -> Iterator[Raw]:
    """Read one sample a line; upstream has test problems only."""
    data = find_data(root, DATA, *FILES)
    for name in FILES:
        if (path := data / name).is_file():
            yield from read_lines(CORPUS, path, DATA, partial(_sample, data.parent))


def _sample(root: Path, ref: str, record: Fields) -> Sample:
    picture = media_in(root, text_of(record, "image"), "image")
    subject = text_of(record, "subject")
    answer, options = _answer(record)
    return Sample(
        prompt=_prompt(listed(text_of(record, "question").strip(), options), picture),
        answer=answer,
        media=(picture,),
        task=f"{CORPUS}/{'-'.join(re.findall('[a-z]+', subject))}/level-{record.get('level')}",
        tags=("math_diagram", *([TAGS[subject]] if subject in TAGS else [])),
        corpus=CORPUS,
        source_ref=ref,
        split="test",
        licence=LICENCE,
    )


def _prompt(text: str, picture: Media) -> tuple[Message, ...]:
    before, *after = _FIGURE.split(text)
    if not after:
        return ask(text, picture)
    rest = "\n".join(part for part in after if part)
    blocks = (Block("text", before), Block("image"), Block("text", rest))
    return (Message("user", tuple(b for b in blocks if b.type == "image" or b.text)),)


def _answer(record: Fields) -> tuple[Answer, list[str]]:
    """Make the answer, and give its options: a letter among them, else a number or LaTeX."""
    if record.get("options"):
        options = option_texts(record["options"])
        return choice_of(text_of(record, "answer"), options), options
    # Upstream wrote some `\frac` with a form feed where `\f` stood.
    given = record.get("answer")
    given = given.replace("\f", "\\f") if isinstance(given, str) else given
    text = plain_text(given).strip("$").strip()
    text = match[1] if (match := _BOXED.fullmatch(text)) else text
    if not text:
        raise BadRecord("no_answer")
    if re.fullmatch(r"[A-Z]", text):
        return Answer.text(text), []
    try:
        return Answer.number(text), []
    except ValueError:
        return Answer(kind="math", value=text), []
