"""AQuA-RAT: algebra word problems with five options (Ling et al., arXiv 1705.04146)."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pipelines.corpora.options import choice_of, listed, option_texts
from pipelines.corpora.reading import Fields, Raw, find_data, read_lines, text_of
from pipelines.record.sample import Sample, Split, ask

CORPUS = "aqua"
LICENCE = "Apache-2.0"
SPLITS: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
LONGEST_STEP = 200

_CONCLUSION = re.compile(
    r"\b(?:answer|option|choice)s?\b|^\W*[A-E]\W*$|\b(?:gives us|so|thus|hence)\s+[A-E]\W*$",
    re.IGNORECASE,
)


def read(root: Path) -> Iterator[Raw]:
    """Read one sample a line; the lines of its rationale become steps where they are clean."""
    data = find_data(root, "", *(f"{name}.json" for name in SPLITS))
    for name, split in SPLITS.items():
        if (path := data / f"{name}.json").is_file():
            yield from read_lines(CORPUS, path, "", partial(_sample, split))


def _sample(split: Split, ref: str, record: Fields) -> Sample:
    options = option_texts(record.get("options"))
    answer = choice_of(text_of(record, "correct"), options)
    return Sample(
        prompt=ask(listed(text_of(record, "question").strip(), options)),
        answer=answer,
        task=f"{CORPUS}/word-problem",
        tags=("arithmetic",),
        corpus=CORPUS,
        source_ref=ref,
        split=split,
        licence=LICENCE,
        steps=_steps(text_of(record, "rationale")),
    )


def _steps(rationale: str) -> tuple[str, ...]:
    """Take the lines before the conclusion; none where they speak of options, or are no lines.

    A step that names a letter would be right for the letter alone, and a paragraph is no step.
    """
    lines = [line.strip() for line in rationale.splitlines() if any(map(str.isalnum, line))]
    if lines and _CONCLUSION.search(lines[-1]):
        lines.pop()
    spoilt = any(_CONCLUSION.search(line) or len(line) > LONGEST_STEP for line in lines)
    return () if spoilt or len(lines) < 2 else tuple(lines)
